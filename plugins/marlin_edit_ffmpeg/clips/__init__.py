"""Clips: one media file per cut."""
