/* This file reads the kinds of XML that are known here: FHIR resources, CDA documents, and the
 * XMP packets of PDF files. */
#include <string.h>

#include "xml.h"

static bool path_is(const char *path, const char *wanted)
{
	return strcmp(path, wanted) == 0;
}

/* ---- FHIR ---- */

typedef struct fhir_walk {
	emr_headers *out;
	char prefix[XML_PATH_MAX + 1]; /* path of the resource, with its dot */
	size_t best[FHIR_FIELDS]; /* index of the path that gave each field; past the end: none yet
				   */
} fhir_walk;

static void fhir_take(fhir_walk *w, const char *path, emr_bytes value)
{
	size_t prefix = strlen(w->prefix);

	if (strncmp(path, w->prefix, prefix) != 0)
		return;
	for (int field = 0; field < FHIR_FIELDS; field++) {
		for (size_t i = 0; i < w->best[field]; i++) {
			char text[EMR_HEADER_TEXT_MAX + 1];
			text_sink sink = text_begin(text);

			if (!path_is(path + prefix, fhir_fields[field].paths[i]) ||
				!xml_put_text(&sink, value, false))
				continue;
			fhir_set(w->out, field, emr_bytes_of(text, strlen(text)));
			if (fhir_slot(w->out, field)[0] != '\0')
				w->best[field] = i;
		}
	}
}

/* A document is a bundle that begins with what it is about. */
static void enter_bundle(fhir_walk *w, const char *path)
{
	static const char entry[] = "Bundle.entry.resource.";
	size_t len = strlen(path);

	if (len < XML_PATH_MAX && path_is(w->prefix, "Bundle.") &&
		strncmp(path, entry, sizeof entry - 1) == 0 &&
		strchr(path + sizeof entry - 1, '.') == NULL) {
		memcpy(w->prefix, path, len);
		memcpy(w->prefix + len, ".", 2);
	}
}

static void read_fhir(xml_reader *r, emr_headers *out)
{
	char resource[XML_PATH_MAX + 1];
	fhir_walk w = {.out = out};
	xml_token token;
	emr_bytes value;
	size_t len = strlen(r->path);

	out->kind = EMR_HEADER_FHIR;
	memcpy(resource, r->path, len + 1);
	memcpy(w.prefix, r->path, len);
	w.prefix[len < XML_PATH_MAX ? len : XML_PATH_MAX - 1] = '.';
	for (int field = 0; field < FHIR_FIELDS; field++)
		w.best[field] = fhir_fields[field].n;
	for (xml_next(r, &token); token.kind != XML_END; xml_next(r, &token)) {
		/* The first resource of a bundle is all that is looked at. */
		if (token.kind == XML_CLOSE && w.prefix[strlen(r->path)] == '.' &&
			strncmp(w.prefix, r->path, strlen(r->path)) == 0 &&
			w.prefix[strlen(r->path) + 1] == '\0')
			break;
		if (token.kind != XML_OPEN)
			continue;
		enter_bundle(&w, r->path);
		if (xml_attribute(&token, "value", &value))
			fhir_take(&w, r->path, value);
	}
	fhir_name(out, emr_bytes_of(resource, len));
}

/* ---- CDA ---- */

#define CUSTODIAN                                                                                  \
	"ClinicalDocument.custodian.assignedCustodian.representedCustodianOrganization.name"

static void read_cda(xml_reader *r, emr_headers *out)
{
	text_sink title = text_begin(out->description), name = text_begin(out->organisation);
	xml_token token;
	emr_bytes value;
	bool is_sound = true;

	out->kind = EMR_HEADER_CDA;
	for (xml_next(r, &token); token.kind != XML_END && is_sound; xml_next(r, &token)) {
		if (token.kind == XML_OPEN && path_is(r->path, "ClinicalDocument.effectiveTime") &&
			xml_attribute(&token, "value", &value))
			date_take(value, out->study_date);
		if (token.kind != XML_TEXT)
			continue;
		if (path_is(r->path, "ClinicalDocument.title"))
			is_sound = xml_put_text(&title, token.text, token.is_literal);
		else if (path_is(r->path, CUSTODIAN))
			is_sound = xml_put_text(&name, token.text, token.is_literal);
	}
}

/* ---- what it is ---- */

static bool has_namespace(const xml_token *token, const char *wanted)
{
	return token->attributes.len > 0 && memmem(token->attributes.data, token->attributes.len,
						    wanted, strlen(wanted)) != NULL;
}

bool markup_read(emr_bytes head, emr_headers *out)
{
	xml_reader r = xml_reader_of(head);
	xml_token token;

	do
		xml_next(&r, &token);
	while (token.kind == XML_TEXT);
	if (token.kind != XML_OPEN)
		return false;
	if (path_is(r.path, "ClinicalDocument") && has_namespace(&token, "urn:hl7-org:v3"))
		read_cda(&r, out);
	else if (strlen(r.path) <= 64 && has_namespace(&token, "\"http://hl7.org/fhir\""))
		read_fhir(&r, out);
	return out->kind != EMR_HEADER_NONE;
}

/* ---- XMP ---- */

static bool ends_with(const char *path, const char *end)
{
	size_t len = strlen(path), n = strlen(end);

	return len >= n && strcmp(path + len - n, end) == 0;
}

void xmp_read(emr_bytes bytes, emr_headers *out)
{
	xml_reader r = xml_reader_of(bytes);
	text_sink title;
	xml_token token;
	emr_bytes value;
	bool has_title = out->description[0] != '\0', is_sound = true;

	if (!has_title)
		title = text_begin(out->description);
	for (xml_next(&r, &token); token.kind != XML_END && is_sound; xml_next(&r, &token)) {
		if (token.kind == XML_CLOSE &&
			(path_is(r.path, "xmpmeta") || path_is(r.path, "RDF")))
			break;
		if (token.kind == XML_OPEN && ends_with(r.path, "RDF.Description") &&
			out->study_date[0] == '\0' &&
			xml_attribute(&token, "xmp:CreateDate", &value))
			date_take(value, out->study_date);
		if (token.kind == XML_CLOSE && ends_with(r.path, "Description.title.Alt.li"))
			has_title = true; /* the first language */
		if (token.kind != XML_TEXT)
			continue;
		if (!has_title && ends_with(r.path, "Description.title.Alt.li"))
			is_sound = xml_put_text(&title, token.text, token.is_literal);
		else if (ends_with(r.path, "Description.CreateDate") && out->study_date[0] == '\0')
			date_take(token.text, out->study_date);
	}
}
