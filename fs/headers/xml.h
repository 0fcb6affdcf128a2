/* A pull reader for the beginning of an XML document.  It refuses document types, and with them
 * every entity but the five of XML itself and numbers; a document that ends in the middle just
 * ends. */
#pragma once

#include "parts.h"

#define XML_DEPTH_MAX 64
#define XML_PATH_MAX 240

typedef enum xml_kind { XML_END, XML_OPEN, XML_CLOSE, XML_TEXT } xml_kind;

typedef struct xml_token {
	xml_kind kind;
	emr_bytes attributes; /* of XML_OPEN, as they stand there */
	emr_bytes text;	      /* of XML_TEXT, as it stands there */
	bool is_literal;      /* CDATA: no entities */
} xml_token;

/* PATH is that of the open elements, local names joined by '.', as far as it fits (else
 * is_path_cut); CLOSE comes with the path of what is closed. */
typedef struct xml_reader {
	const uint8_t *at;
	size_t left;
	char path[XML_PATH_MAX + 1];
	uint16_t ends[XML_DEPTH_MAX]; /* length of PATH before each open element */
	unsigned depth;
	bool is_empty_open; /* the element was closed where it was opened */
	bool must_pop;
} xml_reader;

xml_reader xml_reader_of(emr_bytes bytes);
void xml_next(xml_reader *reader, xml_token *out);
/* The raw value of attribute NAME (as written, prefix and all); false when it is not there. */
bool xml_attribute(const xml_token *token, const char *name, emr_bytes *out_value);
/* Text or a value with its entities; false when it is no UTF-8. */
bool xml_put_text(text_sink *sink, emr_bytes raw, bool is_literal);
