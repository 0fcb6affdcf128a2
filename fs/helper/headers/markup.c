/* This file reads the kinds of XML that are known here: FHIR resources, CDA documents, and the
 * XMP packets of PDF files. */
#include <string.h>

#include "xml.h"

static bool path_is(const char *path, const char *wanted)
{
	return strcmp(path, wanted) == 0;
}

static emr_bytes text_of(const char *text)
{
	return emr_bytes_of(text, strlen(text));
}

/* A document whose kind its first element tells. */
typedef struct document {
	emr_headers *out;
	/* FHIR */
	char resource[XML_PATH_MAX + 1];
	char prefix[XML_PATH_MAX + 1]; /* path of the resource, with its dot */
	size_t best[FHIR_FIELDS]; /* index of the path that gave each field; past the end: none yet
				   */
	/* CDA */
	text_sink title, organisation;
} document;

/* ---- FHIR ---- */

static void begin_fhir(document *d, const char *path)
{
	size_t len = strlen(path);

	d->out->kind = EMR_HEADER_FHIR;
	memcpy(d->resource, path, len + 1);
	memcpy(d->prefix, path, len);
	memcpy(d->prefix + len, ".", 2);
	for (int field = 0; field < FHIR_FIELDS; field++)
		d->best[field] = fhir_fields[field].n;
}

static void fhir_take(document *d, const char *path, const char *value)
{
	size_t prefix = strlen(d->prefix);

	if (strncmp(path, d->prefix, prefix) != 0)
		return;
	for (int field = 0; field < FHIR_FIELDS; field++) {
		for (size_t i = 0; i < d->best[field]; i++) {
			char text[EMR_HEADER_TEXT_MAX + 1];
			text_sink sink = text_begin(text);

			if (!path_is(path + prefix, fhir_fields[field].paths[i]) ||
				!text_put_utf8(&sink, text_of(value)))
				continue;
			fhir_set(d->out, field, text_of(text));
			if (fhir_slot(d->out, field)[0] != '\0')
				d->best[field] = i;
		}
	}
}

/* A document is a bundle that begins with what it is about. */
static void enter_bundle(document *d, const char *path)
{
	static const char entry[] = "Bundle.entry.resource.";
	size_t len = strlen(path);

	if (len < XML_PATH_MAX && path_is(d->prefix, "Bundle.") &&
		strncmp(path, entry, sizeof entry - 1) == 0 &&
		strchr(path + sizeof entry - 1, '.') == NULL) {
		memcpy(d->prefix, path, len);
		memcpy(d->prefix + len, ".", 2);
	}
}

static void open_fhir(document *d, const char *path, const char **attributes)
{
	const char *value = xml_attribute(attributes, "value");

	enter_bundle(d, path);
	if (value != NULL)
		fhir_take(d, path, value);
}

/* The first resource of a bundle is all that is looked at. */
static bool ends_resource(const document *d, const char *path)
{
	size_t len = strlen(path);

	return strncmp(d->prefix, path, len) == 0 && path_is(d->prefix + len, ".");
}

/* ---- CDA ---- */

#define CUSTODIAN                                                                                  \
	"ClinicalDocument.custodian.assignedCustodian.representedCustodianOrganization.name"

static void begin_cda(document *d)
{
	d->out->kind = EMR_HEADER_CDA;
	d->title = text_begin(d->out->description);
	d->organisation = text_begin(d->out->organisation);
}

static void open_cda(document *d, const char *path, const char **attributes)
{
	const char *value = xml_attribute(attributes, "value");

	if (path_is(path, "ClinicalDocument.effectiveTime") && value != NULL)
		date_take(text_of(value), d->out->study_date);
}

/* ---- what it is ---- */

static bool has_namespace(const char **attributes, const char *wanted)
{
	for (; attributes[0] != NULL; attributes += 2)
		if ((strcmp(attributes[0], "xmlns") == 0 ||
			    strncmp(attributes[0], "xmlns:", 6) == 0) &&
			strcmp(attributes[1], wanted) == 0)
			return true;
	return false;
}

static bool open_document(void *arg, const char *path, const char **attributes)
{
	document *d = arg;

	if (d->out->kind == EMR_HEADER_FHIR)
		open_fhir(d, path, attributes);
	else if (d->out->kind == EMR_HEADER_CDA)
		open_cda(d, path, attributes);
	else if (path_is(path, "ClinicalDocument") && has_namespace(attributes, "urn:hl7-org:v3"))
		begin_cda(d);
	else if (strlen(path) <= 64 && has_namespace(attributes, "http://hl7.org/fhir"))
		begin_fhir(d, path);
	return d->out->kind != EMR_HEADER_NONE;
}

static bool close_document(void *arg, const char *path)
{
	const document *d = arg;

	return d->out->kind != EMR_HEADER_FHIR || !ends_resource(d, path);
}

static bool take_text(void *arg, const char *path, emr_bytes text)
{
	document *d = arg;

	if (d->out->kind != EMR_HEADER_CDA)
		return true;
	if (path_is(path, "ClinicalDocument.title"))
		return text_put_utf8(&d->title, text);
	return !path_is(path, CUSTODIAN) || text_put_utf8(&d->organisation, text);
}

emr_status markup_read(emr_bytes head, emr_headers *out)
{
	document d = {.out = out};
	const xml_listener listener = {
		.open = open_document, .close = close_document, .text = take_text, .arg = &d};

	EMR_TRY(xml_read(head, &listener));
	if (out->kind == EMR_HEADER_FHIR)
		fhir_name(out, text_of(d.resource));
	return EMR_OK;
}

/* ---- XMP ---- */

typedef struct packet {
	emr_headers *out;
	text_sink title, date;
	char date_text[EMR_HEADER_TEXT_MAX + 1];
	bool has_title;
} packet;

static bool ends_with(const char *path, const char *end)
{
	size_t len = strlen(path), n = strlen(end);

	return len >= n && strcmp(path + len - n, end) == 0;
}

static void take_date(packet *p, const char *text)
{
	if (p->out->study_date[0] == '\0')
		date_take(text_of(text), p->out->study_date);
}

static bool open_packet(void *arg, const char *path, const char **attributes)
{
	packet *p = arg;
	const char *date = xml_attribute(attributes, "xmp:CreateDate");

	if (date != NULL && ends_with(path, "RDF.Description"))
		take_date(p, date);
	return true;
}

static bool close_packet(void *arg, const char *path)
{
	packet *p = arg;

	if (ends_with(path, "Description.title.Alt.li"))
		p->has_title = true; /* the first language */
	if (ends_with(path, "Description.CreateDate"))
		take_date(p, p->date_text);
	return !path_is(path, "xmpmeta") && !path_is(path, "RDF");
}

static bool take_packet_text(void *arg, const char *path, emr_bytes text)
{
	packet *p = arg;

	if (!p->has_title && ends_with(path, "Description.title.Alt.li"))
		return text_put_utf8(&p->title, text);
	return !ends_with(path, "Description.CreateDate") || text_put_utf8(&p->date, text);
}

emr_status xmp_read(emr_bytes bytes, emr_headers *out)
{
	packet p = {.out = out, .has_title = out->description[0] != '\0'};
	const xml_listener listener = {
		.open = open_packet, .close = close_packet, .text = take_packet_text, .arg = &p};

	p.date = text_begin(p.date_text);
	if (!p.has_title)
		p.title = text_begin(out->description);
	return xml_read(bytes, &listener);
}
