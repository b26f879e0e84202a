// @peculiar/x509 finds its parts by decorators: without this line first, loading it throws.
import 'reflect-metadata'

export * from '@peculiar/x509'
