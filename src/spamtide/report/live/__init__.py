"""The live pages: templates, static files, and what renders them. Values come in, HTML goes out."""

from spamtide.report.live.rendering import live_static, render_live

__all__ = ["live_static", "render_live"]
