// Sends the messages of a list through nodemailer: node send.js HOST PORT smtp|lmtp|starttls LIST.
// A row of LIST: number, file, sender, recipients, by tabs. Prints the numbers of those that were refused, and why.
'use strict';
const fs = require('fs');
const nodemailer = require('nodemailer');

const [host, port, transport, list] = process.argv.slice(2);
const mailer = nodemailer.createTransport({
  host, port: Number(port), name: 'client.example', secure: false, pool: true, maxConnections: 2, maxMessages: 500,
  lmtp: transport === 'lmtp', ignoreTLS: transport !== 'starttls', requireTLS: transport === 'starttls',
  tls: { rejectUnauthorized: false },
});

async function main() {
  for (const row of fs.readFileSync(list, 'utf8').split('\n')) {
    if (row === '') continue;
    const [number, file, from, ...to] = row.split('\t');
    try {
      await mailer.sendMail({ envelope: { from, to }, raw: fs.readFileSync(file) });
    } catch (error) {
      console.log(`${number}\t${error.message.split('\n')[0]}`);
    }
  }
  mailer.close();
}

main();
