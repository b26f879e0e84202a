/** What `append` answers with once the journal is closing: the batch was not made durable and must not be acknowledged. */
export class JournalClosed extends Error {
  constructor(message = 'the journal is closed; this batch is not durable and must not be acknowledged') {
    super(message)
    this.name = 'JournalClosed'
  }
}
