"""Programs and libraries that people send mail with, each as a class that hands jobs to a receiver.

A client says what it is called, which version is here (None: not here, and ``install`` says how to get it), over which transports it
speaks, and what it makes of a message before it sends it. ``send`` returns the jobs that the client itself refused, with its words.
"""

from __future__ import annotations

from real_clients.base import Client, Target, Transport
from real_clients.commands import Msmtp, Nullmailer, Swaks
from real_clients.libraries import Aiosmtplib, Smtplib
from real_clients.programs import GoMail, Lettre, Nodemailer
from real_clients.servers import Exim, OpenSmtpd, Postfix

CLIENTS = {
    client.name: client
    for client in (
        Smtplib(), Aiosmtplib(), Swaks(), Msmtp(), Nullmailer(), Postfix(), Exim(), OpenSmtpd(), Nodemailer(), Lettre(), GoMail(),
    )
}  # fmt: skip

__all__ = ["CLIENTS", "Client", "Target", "Transport"]
