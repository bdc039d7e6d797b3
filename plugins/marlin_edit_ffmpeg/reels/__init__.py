"""Reels: all cuts one after another in one media file."""
