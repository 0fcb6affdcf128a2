/* This file reads XML (clinical documents) tag by tag. It refuses document types, so that a
 * document can neither define entities nor name other files, and the depth is bounded, because
 * documents come from anybody. */
#include "xml.h"

#include <expat.h>
#include <string.h>

typedef struct reading {
	const xml_listener *listener;
	XML_Parser parser;
	char path[XML_PATH_MAX + 1];
	uint16_t ends[XML_DEPTH_MAX]; /* length of PATH before each open element */
	unsigned depth;
	bool is_over; /* expat may still tell what it holds */
} reading;

/* Behind the prefix. */
static const char *local_name(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon != NULL ? colon + 1 : name;
}

static bool push(reading *r, const char *name)
{
	size_t len = strlen(r->path), name_len = strlen(name);

	if (r->depth == XML_DEPTH_MAX || name_len == 0 || len + 1 + name_len > XML_PATH_MAX ||
		strchr(name, '.') != NULL)
		return false;
	r->ends[r->depth++] = (uint16_t)len;
	if (len > 0)
		r->path[len++] = '.';
	memcpy(r->path + len, name, name_len + 1);
	return true;
}

static void stop_unless(reading *r, bool goes_on)
{
	if (goes_on)
		return;
	r->is_over = true;
	(void)XML_StopParser(r->parser, XML_FALSE); /* refused only when it has stopped */
}

/* ---- what expat tells ---- */

static void XMLCALL on_open(void *arg, const char *name, const char **attributes)
{
	reading *r = arg;

	if (!r->is_over)
		stop_unless(r, push(r, local_name(name)) &&
				       r->listener->open(r->listener->arg, r->path, attributes));
}

static void XMLCALL on_close(void *arg, const char *name)
{
	reading *r = arg;

	(void)name; /* expat has compared it */
	if (r->is_over)
		return;
	stop_unless(r, r->listener->close(r->listener->arg, r->path));
	r->path[r->ends[--r->depth]] = '\0';
}

static void XMLCALL on_text(void *arg, const char *text, int len)
{
	reading *r = arg;

	if (!r->is_over)
		stop_unless(r, r->listener->text(
				       r->listener->arg, r->path, emr_bytes_of(text, (size_t)len)));
}

/* Before anything that it declares is read. */
static void XMLCALL on_document_type(
	void *arg, const char *name, const char *system, const char *public, int has_subset)
{
	(void)name;
	(void)system;
	(void)public;
	(void)has_subset;
	stop_unless(arg, false);
}

/* Of an encoding that expat does not have: plain ASCII is taken from all. */
static int XMLCALL on_unknown_encoding(void *arg, const char *name, XML_Encoding *info)
{
	(void)arg;
	(void)name;
	for (int i = 0; i < 256; i++)
		info->map[i] = i < 0x80 ? i : 0xfffd;
	info->data = NULL;
	info->convert = NULL;
	info->release = NULL;
	return XML_STATUS_OK;
}

/* ---- */

static void parser_free(XML_Parser *parser)
{
	XML_ParserFree(*parser);
}

emr_status xml_read(emr_bytes bytes, const xml_listener *listener)
{
	__attribute__((cleanup(parser_free))) XML_Parser parser = XML_ParserCreate(NULL);
	reading r = {.listener = listener, .parser = parser};

	if (parser == NULL)
		return EMR_NO_MEMORY;
	if (bytes.len > HEAD_BYTES)
		bytes.len = HEAD_BYTES;
	XML_SetUserData(parser, &r);
	XML_SetElementHandler(parser, on_open, on_close);
	XML_SetCharacterDataHandler(parser, on_text);
	XML_SetStartDoctypeDeclHandler(parser, on_document_type);
	XML_SetUnknownEncodingHandler(parser, on_unknown_encoding, NULL);
	/* Not the last of it, whatever the caller had: what is cut is no mistake. */
	if (XML_Parse(parser, (const char *)bytes.data, (int)bytes.len, XML_FALSE) ==
			XML_STATUS_ERROR &&
		XML_GetErrorCode(parser) == XML_ERROR_NO_MEMORY)
		return EMR_NO_MEMORY;
	return EMR_OK;
}

const char *xml_attribute(const char **attributes, const char *name)
{
	for (; attributes[0] != NULL; attributes += 2)
		if (strcmp(attributes[0], name) == 0)
			return attributes[1];
	return NULL;
}
