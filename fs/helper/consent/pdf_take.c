/* This file takes a PDF form apart with qpdf: it finds the one attached file that is a FHIR
 * Consent, and where the signature of the form stands. It does not look at what is drawn on the
 * pages. */
#include "pdf_parts.h"

#include <qpdf/qpdf-c.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX 16   /* of trees of names and of fields */
#define NODES_MAX 2000 /* of both together */

typedef struct taking {
	qpdf_data q;
	uint64_t size;
	unsigned nodes;
	qpdf_oh consent, signature;
	unsigned consents, signatures;
} taking;

typedef void (*node_fn)(taking *t, qpdf_oh node);

/* Each node of a tree of dictionaries, whose branches are their Kids. */
static void each_node(taking *t, qpdf_oh node, int depth, node_fn fn)
{
	qpdf_oh kids;
	int n;

	if (depth > DEPTH_MAX || t->nodes++ > NODES_MAX || !qpdf_oh_is_dictionary(t->q, node))
		return;
	fn(t, node);
	kids = qpdf_oh_get_key(t->q, node, "/Kids");
	n = qpdf_oh_is_array(t->q, kids) ? qpdf_oh_get_array_n_items(t->q, kids) : 0;
	for (int i = 0; i < n && t->nodes <= NODES_MAX; i++)
		each_node(t, qpdf_oh_get_array_item(t->q, kids, i), depth + 1, fn);
}

/* ---- attached files ---- */

static bool is_named_json(taking *t, qpdf_oh file)
{
	static const char *const keys[] = {"/UF", "/F"};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		qpdf_oh name = qpdf_oh_get_key(t->q, file, keys[i]);
		const char *text =
			qpdf_oh_is_string(t->q, name) ? qpdf_oh_get_utf8_value(t->q, name) : "";
		size_t len = strlen(text);

		if (len > 5 && strcasecmp(text + len - 5, ".json") == 0)
			return true;
	}
	return false;
}

static void take_file(taking *t, qpdf_oh file)
{
	qpdf_oh stream;

	if (!qpdf_oh_is_dictionary(t->q, file))
		return;
	stream = qpdf_oh_get_key(t->q, file, "/EF");
	stream = qpdf_oh_is_dictionary(t->q, stream) ? qpdf_oh_get_key(t->q, stream, "/F") : stream;
	if (!qpdf_oh_is_stream(t->q, stream) ||
		(!is_named_json(t, file) &&
			!qpdf_oh_is_name_and_equals(t->q,
				qpdf_oh_get_key(t->q, qpdf_oh_get_dict(t->q, stream), "/Subtype"),
				"/application/fhir+json")))
		return;
	t->consent = stream;
	t->consents++;
}

static void take_names(taking *t, qpdf_oh node)
{
	qpdf_oh names = qpdf_oh_get_key(t->q, node, "/Names");
	int n = qpdf_oh_is_array(t->q, names) ? qpdf_oh_get_array_n_items(t->q, names) : 0;

	for (int i = 1; i < n && t->nodes++ <= NODES_MAX; i += 2)
		take_file(t, qpdf_oh_get_array_item(t->q, names, i));
}

static emr_pdf_fault take_consent(taking *t, qpdf_oh root, emr_buf *out)
{
	qpdf_oh names = qpdf_oh_get_key(t->q, root, "/Names");
	unsigned char *data = NULL;
	QPDF_BOOL is_whole = QPDF_FALSE;
	emr_pdf_fault fault = EMR_PDF_FINE;
	size_t len = 0;

	if (qpdf_oh_is_dictionary(t->q, names))
		each_node(t, qpdf_oh_get_key(t->q, names, "/EmbeddedFiles"), 0, take_names);
	if (t->consents != 1)
		return t->consents == 0 ? EMR_PDF_EMPTY : EMR_PDF_SEVERAL;
	if (qpdf_oh_get_stream_data(t->q, t->consent, qpdf_dl_generalized, &is_whole, &data,
		    &len) != QPDF_SUCCESS ||
		!is_whole)
		fault = EMR_PDF_DAMAGED;
	else if (len > EMR_CONSENT_BYTES_MAX)
		fault = EMR_PDF_LARGE;
	else if (emr_buf_append(out, data, len) != EMR_OK)
		fault = EMR_PDF_DAMAGED;
	free(data);
	return fault;
}

/* ---- the signature ---- */

static void take_field(taking *t, qpdf_oh field)
{
	qpdf_oh value = qpdf_oh_get_key(t->q, field, "/V");

	if (!qpdf_oh_is_dictionary(t->q, value) || !qpdf_oh_has_key(t->q, value, "/ByteRange"))
		return;
	t->signature = value;
	t->signatures++;
}

/* From the first to the last byte but for the signature itself: nothing was added after it. */
static emr_pdf_fault take_range(taking *t, pdf_answer *out)
{
	qpdf_oh range = qpdf_oh_get_key(t->q, t->signature, "/ByteRange");
	int64_t at[4];

	if (!qpdf_oh_is_array(t->q, range) || qpdf_oh_get_array_n_items(t->q, range) != 4)
		return EMR_PDF_SIGNED_PARTLY;
	for (int i = 0; i < 4; i++) {
		at[i] = qpdf_oh_get_int_value(t->q, qpdf_oh_get_array_item(t->q, range, i));
		if (at[i] < 0 || (uint64_t)at[i] > t->size)
			return EMR_PDF_SIGNED_PARTLY;
	}
	if (at[0] != 0 || at[1] >= at[2] || (uint64_t)(at[2] + at[3]) != t->size)
		return EMR_PDF_SIGNED_PARTLY;
	out->signature = EMR_PDF_SIGNER_UNKNOWN;
	out->from = (uint64_t)at[1];
	out->to = (uint64_t)at[2];
	return EMR_PDF_FINE;
}

static emr_pdf_fault take_signature(taking *t, qpdf_oh root, pdf_answer *out)
{
	qpdf_oh form = qpdf_oh_get_key(t->q, root, "/AcroForm"), fields, kind;
	int n;

	if (!qpdf_oh_is_dictionary(t->q, form))
		return EMR_PDF_FINE;
	fields = qpdf_oh_get_key(t->q, form, "/Fields");
	n = qpdf_oh_is_array(t->q, fields) ? qpdf_oh_get_array_n_items(t->q, fields) : 0;
	for (int i = 0; i < n && t->nodes <= NODES_MAX; i++)
		each_node(t, qpdf_oh_get_array_item(t->q, fields, i), 0, take_field);
	if (t->signatures != 1)
		return t->signatures == 0 ? EMR_PDF_FINE : EMR_PDF_SIGNED_TWICE;
	kind = qpdf_oh_get_key(t->q, t->signature, "/SubFilter");
	if (!qpdf_oh_is_name_and_equals(t->q, kind, "/adbe.pkcs7.detached") &&
		!qpdf_oh_is_name_and_equals(t->q, kind, "/ETSI.CAdES.detached"))
		return EMR_PDF_SIGNED_OTHERWISE;
	return take_range(t, out);
}

/* ---- the whole ---- */

static emr_pdf_fault take_all(taking *t, emr_bytes file, pdf_answer *out, emr_buf *out_consent)
{
	emr_pdf_fault fault = EMR_PDF_FINE;
	qpdf_oh root;

	qpdf_silence_errors(t->q);
	qpdf_set_suppress_warnings(t->q, QPDF_TRUE);
	qpdf_set_attempt_recovery(t->q, QPDF_FALSE); /* what is broken is not guessed */
	if ((qpdf_read_memory(t->q, "form", (const char *)file.data, file.len, NULL) &
		    QPDF_ERRORS) != 0)
		return EMR_PDF_DAMAGED;
	if (qpdf_is_encrypted(t->q))
		return EMR_PDF_ENCRYPTED;
	root = qpdf_get_root(t->q);
	if (!qpdf_oh_is_dictionary(t->q, root))
		return EMR_PDF_DAMAGED;
	fault = take_signature(t, root, out);
	if (fault == EMR_PDF_FINE)
		fault = take_consent(t, root, out_consent);
	if (fault == EMR_PDF_FINE && (qpdf_has_error(t->q) || t->nodes > NODES_MAX))
		fault = EMR_PDF_DAMAGED;
	return fault;
}

emr_pdf_fault pdf_take(emr_bytes file, pdf_answer *out, emr_buf *out_consent)
{
	taking t = {.q = qpdf_init(), .size = file.len};
	emr_pdf_fault fault = take_all(&t, file, out, out_consent);

	if (qpdf_has_error(t.q))
		(void)qpdf_get_error(t.q); /* else it is said aloud */
	qpdf_cleanup(&t.q);
	if (fault != EMR_PDF_FINE)
		emr_buf_clear(out_consent);
	out->consent_size = out_consent->len;
	return fault;
}
