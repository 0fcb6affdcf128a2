/* These functions find what desktop programs left about a folder outside of it: pictures in the
 * user's cache of thumbnails, and entries in the list of recent files.
 *
 * A thumbnail counts when its Thumb::URI names the folder or something in it, whatever became of
 * that file. The standard asks for that text; some programs leave it out (libfm), and then the name
 * decides, which is the MD5 of the address of a file that is in the folder or was deleted from it:
 * only an open folder can say that. It refuses to touch anything else: other pictures, other
 * entries, and every other byte of the list stay as they are. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/status.h"

/* Adds to OUT_NAMES, an object, each thumbnail without an address that is of a file in FOLDER, an
 * absolute path, which is open: NAME.png and the file's path in FOLDER.  The folder is walked only
 * if there is any thumbnail without an address.  EMR_NO_MEMORY, EMR_IO. */
emr_status emr_traces_name(const char *folder, json_t *out_names);

/* Appends to OUT_TRACES an object {kind file about removed} for each trace of FOLDER; kind is
 * "thumbnail" or "recent", about the file's path in FOLDER.  NAMES are of emr_traces_name.  With
 * REMOVE they are removed, and removed says of each whether it is.  The places are those of the XDG
 * rules: what the environment names, and the usual ones also then.  A file that cannot be read as
 * a thumbnail or as a list is none of a desktop's and is passed over.  A directory of thumbnails
 * that cannot be read is told by the status (EMR_DENIED, EMR_IO), behind all that can;
 * EMR_NO_MEMORY. */
emr_status emr_traces_look(
	const char *folder, const json_t *names, bool remove, json_t *out_traces);
