#!/usr/bin/env python3
"""desktop_traces.py: leaves of a file what desktop programs leave, by the libraries that they use for it.
desktop_traces.py thumbnail ADDRESS OUT: a thumbnail, by GdkPixbuf.   recent LIST FILE...: adds entries, by GLib's GBookmarkFile.
list LIST: address, title and programs of each entry, as GLib reads them.   --can: whether the libraries are there."""
import ctypes
import os
import sys

try:
    glib = ctypes.CDLL("libglib-2.0.so.0")
    pixbuf = ctypes.CDLL("libgdk_pixbuf-2.0.so.0")
except OSError:
    sys.exit(1)
text, pointer = ctypes.c_char_p, ctypes.c_void_p
for library, name, result, arguments in [
        (glib, "g_bookmark_file_new", pointer, []),
        (glib, "g_bookmark_file_load_from_file", ctypes.c_int, [pointer, text, pointer]),
        (glib, "g_bookmark_file_to_file", ctypes.c_int, [pointer, text, pointer]),
        (glib, "g_bookmark_file_set_title", None, [pointer, text, text]),
        (glib, "g_bookmark_file_set_mime_type", None, [pointer, text, text]),
        (glib, "g_bookmark_file_add_group", None, [pointer, text, text]),
        (glib, "g_bookmark_file_add_application", None, [pointer, text, text, text]),
        (glib, "g_bookmark_file_get_uris", ctypes.POINTER(text), [pointer, pointer]),
        (glib, "g_bookmark_file_get_title", text, [pointer, text, pointer]),
        (glib, "g_bookmark_file_get_applications", ctypes.POINTER(text), [pointer, text, pointer, pointer]),
        (glib, "g_filename_to_uri", text, [text, text, pointer]),
        (pixbuf, "gdk_pixbuf_new", pointer, [ctypes.c_int] * 5),
        (pixbuf, "gdk_pixbuf_fill", None, [pointer, ctypes.c_uint32]),
        (pixbuf, "gdk_pixbuf_savev", ctypes.c_int, [pointer, text, text, pointer, pointer, pointer])]:
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments


def opened(where):
    marks = glib.g_bookmark_file_new()
    if os.path.exists(where) and not glib.g_bookmark_file_load_from_file(marks, where, None):
        sys.exit("GLib cannot read " + os.fsdecode(where))
    return marks


def all_of(row):
    found = []
    while row[len(found)]:
        found.append(row[len(found)].decode())
    return found


what, rest = sys.argv[1], [os.fsencode(one) for one in sys.argv[2:]]
if what == "thumbnail":
    picture = pixbuf.gdk_pixbuf_new(0, 0, 8, 64, 64)
    pixbuf.gdk_pixbuf_fill(picture, 0x336699ff)
    keys = (text * 3)(b"tEXt::Thumb::URI", b"tEXt::Thumb::MTime", None)
    values = (text * 3)(rest[0], b"1700000000", None)
    if not pixbuf.gdk_pixbuf_savev(picture, rest[1], b"png", keys, values, None):
        sys.exit("GdkPixbuf cannot write " + sys.argv[3])
elif what == "recent":
    marks = opened(rest[0])
    for name in rest[1:]:
        address = glib.g_filename_to_uri(name, None, None)
        glib.g_bookmark_file_set_title(marks, address, b"title of " + os.path.basename(name))
        glib.g_bookmark_file_set_mime_type(marks, address, b"image/png")
        glib.g_bookmark_file_add_application(marks, address, b"viewer & co", b"viewer %u")
        glib.g_bookmark_file_add_group(marks, address, b"Graphics")
    if not glib.g_bookmark_file_to_file(marks, rest[0], None):
        sys.exit("GLib cannot write " + sys.argv[2])
elif what == "list":
    marks = opened(rest[0])
    for address in all_of(glib.g_bookmark_file_get_uris(marks, None)):
        print(address, glib.g_bookmark_file_get_title(marks, address.encode(), None).decode(),
              all_of(glib.g_bookmark_file_get_applications(marks, address.encode(), None, None)))
