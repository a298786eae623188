"""The pages, one file a subject. Each file lists its own as ``PAGES``."""
