/* This header declares what the parts of traces.h share. */
#pragma once

#include "desktop/traces.h"

/* Whether URI is a file: address of FOLDER or of something in it; the path below FOLDER ("" for
 * the folder itself) is then in *OUT_ABOUT, owned by the caller.  EMR_NOT_FOUND: it is not. */
emr_status emr_trace_about(const char *uri, const char *folder, char **out_about);

emr_status emr_trace_add(
	json_t *traces, const char *kind, const char *file, const char *about, bool removed);

/* Adds to OUT_NAMES, an object, the names of thumbnails below DIRECTORY without an address. */
emr_status emr_traces_nameless(const char *directory, json_t *out_names);
emr_status emr_traces_of_thumbnails(const char *directory, const char *folder, const json_t *names,
	bool remove, json_t *out_traces);
/* Those names in WANTED that the thumbnails of something in the open FOLDER have, or of something
 * that was deleted from it, with its path there. */
emr_status emr_traces_name_files(const char *folder, const json_t *wanted, json_t *out_names);
emr_status emr_traces_of_recent(
	const char *file, const char *folder, bool remove, json_t *out_traces);
