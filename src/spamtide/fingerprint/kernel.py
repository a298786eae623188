"""The one file of this room that opens the kernel's door."""

from spamtide._kernel import RecordBatch, digest_batch, fingerprint_texts, fingerprint_tokens

__all__ = ["RecordBatch", "digest_batch", "fingerprint_texts", "fingerprint_tokens"]
