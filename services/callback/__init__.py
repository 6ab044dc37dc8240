"""Callback: whom to call back, who called, what was answered."""
