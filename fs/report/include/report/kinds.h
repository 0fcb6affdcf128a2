/* This says in one word what kind of file a record is: from its headers, else from the ending of
 * its name. */
#pragma once

#include "headers/headers.h"

/* "dicom", "pdf", "fhir", "cda", "image", "video", "sound", "text", "table", "document", "slides",
 * "archive", "genome", "data", "other"; static. */
const char *emr_kind_of(const emr_headers *headers, const char *path);
/* The same for people: "DICOM images", "PDF documents", ... */
const char *emr_kind_title(const char *kind);
