// Sends the messages of a list through go-mail's SMTP client: gomail HOST PORT smtp|starttls LIST.
// A row of LIST: number, file, sender, recipients, by tabs. Prints the numbers of those that were refused, and why.
package main

import (
	"crypto/tls"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

const aSession = 500

func open(host, port, transport string) *smtp.Client {
	client, err := smtp.Dial(host + ":" + port)
	if err != nil {
		log.Fatal(err)
	}
	if err = client.Hello("client.example"); err != nil {
		log.Fatal(err)
	}
	if transport == "starttls" {
		if err = client.StartTLS(&tls.Config{InsecureSkipVerify: true}); err != nil {
			log.Fatal(err)
		}
	}
	return client
}

func send(client *smtp.Client, raw []byte, from string, to []string) error {
	if err := client.Mail("<" + from + ">"); err != nil {
		return err
	}
	for _, rcpt := range to {
		if err := client.Rcpt("<" + rcpt + ">"); err != nil {
			return err
		}
	}
	data, err := client.Data()
	if err != nil {
		return err
	}
	if _, err = data.Write(raw); err != nil {
		return err
	}
	return data.Close()
}

func main() {
	host, port, transport := os.Args[1], os.Args[2], os.Args[3]
	list, err := os.ReadFile(os.Args[4])
	if err != nil {
		log.Fatal(err)
	}
	var client *smtp.Client
	for n, row := range strings.Split(strings.TrimSuffix(string(list), "\n"), "\n") {
		if n%aSession == 0 {
			if client != nil {
				client.Quit()
			}
			client = open(host, port, transport)
		}
		fields := strings.Split(row, "\t")
		raw, err := os.ReadFile(fields[1])
		if err != nil {
			log.Fatal(err)
		}
		if err = send(client, raw, fields[2], fields[3:]); err != nil {
			fmt.Printf("%s\t%s\n", fields[0], strings.ReplaceAll(err.Error(), "\n", " "))
			client.Reset()
		}
	}
	client.Quit()
}
