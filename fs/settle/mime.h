/* This tells the media type that a name suggests, for the manifest. It never looks at content. */
#pragma once

#include "base/bytes.h"

/* A static string; "application/octet-stream" for anything unknown. */
const char *mime_of_name(emr_bytes name);
