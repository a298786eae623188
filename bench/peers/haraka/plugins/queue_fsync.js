'use strict'
// A queue plugin that writes each message to a file of its own and makes it durable before 250.
const fs = require('node:fs')
const path = require('node:path')
let n = 0

exports.hook_queue = function (next, connection) {
  const file = path.join(process.env.PEER_FOLDER, `${++n}.eml`)
  const out = fs.createWriteStream(file)
  out.on('error', () => next(DENYSOFT, 'not stored'))
  out.on('finish', () => {
    fs.open(file, 'r+', (wrong, descriptor) => {
      if (wrong) return next(DENYSOFT, 'not stored')
      fs.fsync(descriptor, (failed) => fs.close(descriptor, () => (failed ? next(DENYSOFT, 'not stored') : next(OK))))
    })
  })
  connection.transaction.message_stream.pipe(out, { line_endings: '\r\n' })
}

exports.hook_rcpt = function (next) {
  next(OK)
}
