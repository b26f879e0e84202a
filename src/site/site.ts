/** site: what the house needs of the machine around it, as files. So far its certificates: an own CA, made once, whose certificate is
 *  the one thing a board or a phone has to be given; the server's certificate, made anew by itself; client certificates of nodes with
 *  their revocation list. In: a folder, a clock, the names of this machine. Out: PEM texts, and files in that folder (keys 0600,
 *  written whole and synced). It promises that the CA, once there, is never replaced by itself, because every board would have to
 *  be given the new one. It decides nothing about who may connect.
 *  It also says on the LAN what is here (mDNS), as well as that goes, and makes the image of a board's credentials for its flash. */
export { advertise, type Service } from './advertise.ts'
export { type Certificates, CertificatesDamaged, openCertificates, type ServerCertificate } from './certificates/certificates.ts'
export { lanAddress, type MachineNames, machineNames } from './certificates/names.ts'
export { credentialsImage, flashPlaces } from './flash/credentials.ts'
export { type BuiltImages, imageFiles, imagesFault, otadataImage } from './flash/images.ts'
