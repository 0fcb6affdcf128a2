/* The beginning of an XML document, read by expat: elements with their path, attributes and text.
 * It refuses document types, and with them every entity but the five of XML itself and numbers; it
 * opens nothing and follows no address.  A document that is cut, broken, or nested deeper than any
 * that is known here ends there. */
#pragma once

#include "parts.h"

#define XML_DEPTH_MAX 64
#define XML_PATH_MAX 240

/* The receiver of what is read, in UTF-8; false: that is enough. PATH is that of the open elements,
 * local names joined by '.'; close has the path of what is closed. Text may come in pieces.
 * Attributes are name, value, ..., NULL, with names as written, prefix and all. */
typedef struct xml_listener {
	bool (*open)(void *arg, const char *path, const char **attributes);
	bool (*close)(void *arg, const char *path);
	bool (*text)(void *arg, const char *path, emr_bytes text);
	void *arg;
} xml_listener;

/* EMR_NO_MEMORY; otherwise EMR_OK, wherever the document ended. */
emr_status xml_read(emr_bytes bytes, const xml_listener *listener);
/* NULL when it is not there. */
const char *xml_attribute(const char **attributes, const char *name);
