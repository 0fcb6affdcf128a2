/* `device add` writes this file and `device accept` reads it: where the network is, and the new
 * computer's keyfile and profile, both sealed: the file without the passphrase is as little as a
 * stolen disk. It refuses files that are longer than such a thing can be, and bytes after their
 * end. */
#pragma once

#include "base/bytes.h"

#define EMR_DEVICE_FILE_MAX ((size_t)256 << 10)

typedef struct emr_device_file {
	emr_bytes dir;	   /* of the network, absolute, at most 4,095 bytes, no NUL */
	emr_bytes keyfile; /* as in a state */
	emr_bytes profile;
	/* Of a network on Fabric, or that a host serves, else empty: the way there, as invitations
	 * carry it, and its descriptor, for a computer that has not that directory. */
	emr_bytes channel, descriptor;
} emr_device_file;

/* Appends the bytes.  EMR_INVALID. */
emr_status emr_device_file_write(const emr_device_file *file, emr_buf *out);
/* Fields borrow from BYTES.  EMR_NEWER_FORMAT; EMR_DAMAGED. */
emr_status emr_device_file_read(emr_bytes bytes, emr_device_file *out);
