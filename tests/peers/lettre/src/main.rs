//! Sends the messages of a list through lettre: peer HOST PORT smtp|starttls LIST.
//! A row of LIST: number, file, sender, recipients, by tabs. Prints the numbers of those that were refused, and why.

use std::{env, error::Error, fs};

use lettre::address::Envelope;
use lettre::transport::smtp::client::{SmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;

const A_SESSION: usize = 500;

fn open(host: &str, port: u16, transport: &str) -> Result<SmtpConnection, Box<dyn Error>> {
    let hello = ClientId::Domain("client.example".into());
    let mut client = SmtpConnection::connect((host, port), None, &hello, None, None)?;
    if transport == "starttls" {
        let builder = TlsParameters::builder("mx.trap.example".into());
        client.starttls(&builder.dangerous_accept_invalid_certs(true).build()?, &hello)?;
    }
    Ok(client)
}

fn send(client: &mut SmtpConnection, fields: &[&str]) -> Result<(), Box<dyn Error>> {
    let from = if fields[2].is_empty() { None } else { Some(fields[2].parse()?) };
    let to = fields[3..].iter().map(|a| a.parse()).collect::<Result<Vec<_>, _>>()?;
    let envelope = Envelope::new(from, to)?;
    client.send(&envelope, &fs::read(fields[1])?)?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = env::args().skip(1).collect();
    let (host, port, transport) = (&given[0], given[1].parse()?, &given[2]);
    let list = fs::read_to_string(&given[3])?;
    let mut client = open(host, port, transport)?;
    for (n, row) in list.lines().enumerate() {
        if n > 0 && n % A_SESSION == 0 || client.has_broken() {
            let _ = client.quit();
            client = open(host, port, transport)?;
        }
        let fields: Vec<&str> = row.split('\t').collect();
        if let Err(error) = send(&mut client, &fields) {
            println!("{}\t{}", fields[0], error.to_string().replace('\n', " "));
        }
    }
    client.quit()?;
    Ok(())
}
