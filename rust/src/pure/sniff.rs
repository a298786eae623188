//! Type of an attachment by its first bytes, whatever its name and declared type say.

/// Of what is OLE, a message of Outlook: its properties are streams of this name, which stands in the directory as UTF-16.
fn is_msg(bytes: &[u8]) -> bool {
    const NAME: &[u8] = b"_\0_\0p\0r\0o\0p\0e\0r\0t\0i\0e\0s\0_\0v\0e\0r\0s\0i\0o\0n\x001\0.\x000\0";
    memchr::memmem::find(bytes, NAME).is_some()
}

/// Kind by signature, `unknown` where none fits.
pub fn sniff(bytes: &[u8]) -> &'static str {
    const SIGNATURES: [(&[u8], &str); 20] = [
        (b"MZ", "exe"),
        (b"\x7fELF", "elf"),
        (b"PK\x03\x04", "zip"),
        (b"Rar!\x1a\x07", "rar"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"\x1f\x8b", "gzip"),
        (b"%PDF", "pdf"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"GIF8", "gif"),
        (b"\xff\xd8\xff", "jpeg"),
        (b"BM", "bmp"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
        (b"{\\rtf", "rtf"),
        (b"RIFF", "riff"),
        (b"OggS", "ogg"),
        (b"ID3", "mp3"),
        (b"\x78\x9f\x3e\x22", "tnef"),
        (b"MSCF", "cab"),
        (b"BZh", "bzip2"),
        (b"\xfd7zXZ\x00", "xz"),
    ];
    for (magic, kind) in SIGNATURES {
        if bytes.starts_with(magic) {
            return if kind == "ole" && is_msg(bytes) { "msg" } else { kind };
        }
    }
    let head = &bytes[..bytes.len().min(512)];
    let lower = head.to_ascii_lowercase();
    if memchr::memmem::find(&lower, b"<html").is_some() || memchr::memmem::find(&lower, b"<!doctype html").is_some() {
        return "html";
    }
    if !head.is_empty() && head.iter().all(|b| matches!(b, b'\t' | b'\n' | b'\r' | 0x20..=0x7e)) {
        return "text";
    }
    "unknown"
}
