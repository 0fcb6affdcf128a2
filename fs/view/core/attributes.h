/* The rooms of the view answer extended attributes with these types and functions: a room that
 * answers some names of its own gives an attribute_source. */
#pragma once

#include "headers/headers.h"

#include "node.h"

/* Attributes that a room answers by their names, of whatever node.  All without view->lock. */
typedef struct attribute_source {
	bool (*has)(const char *name);
	bool (*may_set)(const char *name);
	emr_status (*get)(emr_view *view, uint64_t number, const char *name, emr_buf *out);
	emr_status (*set)(emr_view *view, uint64_t number, const char *name, emr_bytes value);
	emr_status (*remove)(emr_view *view, uint64_t number, const char *name);
	/* Appends the names of those that NUMBER has. */
	emr_status (*list)(emr_view *view, uint64_t number, emr_buf *out);
} attribute_source;

/* What the content of N said of itself when it was sealed, as its metadata has it; kind NONE when
 * that is nothing, or cannot be read.  Under view->lock. */
void attributes_headers(const node *n, emr_headers *out);
/* Whether the metadata of N has room for ATTRIBUTES, whatever N is called later:
 * EMR_ATTRIBUTE_SPACE. */
emr_status attributes_fit(const node *n, emr_bytes attributes, uint16_t count);
/* Appends `system.emrfs.NAME` with its NUL to a list of names, unless that is too long for the
 * kernel. */
emr_status attributes_list_fact(const char *name, emr_buf *out);
