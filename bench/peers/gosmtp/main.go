// A receiver on go-smtp that takes everything and keeps nothing.
package main

import (
	"io"
	"log"
	"os"
	"time"

	"github.com/emersion/go-smtp"
)

type backend struct{}

func (backend) NewSession(*smtp.Conn) (smtp.Session, error) { return session{}, nil }

type session struct{}

func (session) Mail(string, *smtp.MailOptions) error { return nil }
func (session) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (session) Reset()                               {}
func (session) Logout() error                        { return nil }
func (session) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

func main() {
	server := smtp.NewServer(backend{})
	server.Addr = os.Args[1]
	server.Domain = "mx.peer.example"
	server.MaxMessageBytes = 64 << 20
	server.ReadTimeout, server.WriteTimeout = time.Minute, time.Minute
	log.Fatal(server.ListenAndServe())
}
