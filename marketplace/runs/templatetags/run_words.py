"""Figures in templates, each with its unit."""

from __future__ import annotations

from django import template

from marketplace.runs import words

register = template.Library()
register.filter("ms", words.milliseconds)
register.filter("bare_ms", words.bare_ms)
register.filter("microseconds", words.microseconds)
register.filter("plain", words.plain)
register.filter("share", words.percent)
register.filter("bytes", words.byte_count)
register.filter("duration", words.duration)
register.filter("about", words.about)
register.filter("million", words.million)
register.filter("device_title", words.device_title)
register.filter("reason", words.reason)
register.filter("limited_by", words.limited_by)
register.filter("layer_name", words.layer_name)
