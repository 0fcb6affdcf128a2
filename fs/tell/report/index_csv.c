/* This file writes `.emrfs/index.csv`, one line for each record, for a spreadsheet. A text that
 * a spreadsheet would run as a formula is made harmless, whatever it takes for a separator. */
#include "special_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/text.h"
#include "people/origin.h"
#include "settle/chronicle.h"
#include "view/walk.h"

static const char header[] =
	"path,kind,modality,study_date,description,organisation,signature,note,added_at,bytes\r\n";

static bool looks_like_formula(const char *text)
{
	static const char *const starts[] = {"=", "+", "-", "@", "'", "\xef\xbc\x9d",
		"\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0"};

	text += strspn(text, " \"");
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
		if (strncmp(text, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

/* Some programs end a cell there although it stands between quotes: they were told to look for
 * another separator, and in their eyes these quotes are in the middle of a cell. */
static bool may_end_cell(char c)
{
	return c == ';' || c == ',' || c == '|';
}

emr_status emr_csv_text(emr_buf *out, const char *text)
{
	char shown[4200], field[2 * sizeof shown + 4];
	size_t at = 0;

	emr_show(text, shown, sizeof shown);
	field[at++] = '"';
	if (looks_like_formula(shown))
		field[at++] = '\'';
	for (const char *c = shown; *c != '\0'; c++) {
		if (*c == '"')
			field[at++] = '"';
		field[at++] = *c;
		if (may_end_cell(*c) && looks_like_formula(c + 1))
			field[at++] = '\'';
	}
	field[at++] = '"';
	return emr_buf_append(out, field, at);
}

typedef struct line {
	size_t at, len;
} line;

typedef struct listing {
	emr_session *session;
	emr_crowd *crowd;
	emr_buf *out;  /* the lines as they were found */
	emr_buf lines; /* line, ... */
} listing;

static void listing_end(listing *l)
{
	emr_buf_free(&l->lines);
}

/* The attribute's first word ("self", "valid" ...) and its last, and the organisation whose key
 * somebody else signed with; "": none. */
typedef struct signer {
	char word[24];
	const char *note; /* static: "superseded" ... */
	char organisation[EMR_ORGANISATION_NAME_MAX + 1];
} signer;

static void find_signer(const listing *l, uint64_t node, signer *out)
{
	EMR_AUTO_FREE char *signature = NULL;

	if (emr_attribute_text(l->session->view, node, "signature", &signature) != EMR_OK)
		return;
	snprintf(out->word, sizeof out->word, "%.*s", (int)strcspn(signature, " "), signature);
	out->note = emr_origin_note(signature);
	(void)emr_origin_organisation(l->crowd, l->session->view, node, out->organisation);
}

static emr_status add_fields(
	listing *l, const char *path, const emr_record_facts *facts, const signer *by)
{
	const emr_headers *h = &facts->headers;
	const char *const fields[] = {path, emr_kind_of(h, path), h->modality, h->study_date,
		h->description, by->organisation[0] != '\0' ? by->organisation : h->organisation,
		facts->cver > 0 ? by->word : "", by->note};

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		if (fields[i][0] != '\0')
			EMR_TRY(emr_csv_text(l->out, fields[i]));
		EMR_TRY(emr_buf_append(l->out, ",", 1));
	}
	return EMR_OK;
}

static emr_status add_record(listing *l, const char *path, const emr_attr *attr)
{
	emr_record_facts facts;
	emr_story story;
	char added[EMR_TEXT_BYTES] = "", tail[EMR_TEXT_BYTES + 24];
	line found = {.at = l->out->len};
	signer by = {.word = "", .note = ""};
	int len;

	if (attr->type != EMR_META_FILE ||
		emr_view_record(l->session->view, attr->node, &facts) != EMR_OK || facts.is_local)
		return EMR_OK;
	if (emr_chronicle_story(l->session->chronicle, facts.object, &story) == EMR_OK &&
		story.added_unix_s > 0)
		emr_time_json((int64_t)story.added_unix_s, added);
	if (facts.cver > 0)
		find_signer(l, attr->node, &by);
	EMR_TRY(add_fields(l, path, &facts, &by));
	len = snprintf(tail, sizeof tail, "%s,%" PRIu64 "\r\n", added, attr->size_bytes);
	EMR_TRY(emr_buf_append(l->out, tail, (size_t)len));
	found.len = l->out->len - found.at;
	return emr_buf_append(&l->lines, &found, sizeof found);
}

/* Lines begin with their paths. */
static int by_path(const void *a, const void *b, void *arg)
{
	const emr_buf *text = arg;
	const line *x = a, *y = b;
	size_t common = x->len < y->len ? x->len : y->len;
	int order = memcmp(text->data + x->at, text->data + y->at, common);

	return order != 0 ? order : x->len < y->len ? -1 : x->len > y->len;
}

/* The tree's own order is another one after each start. */
static emr_status put_sorted(const listing *l, emr_buf *out)
{
	line *lines = (line *)(void *)l->lines.data;
	size_t n = l->lines.len / sizeof *lines;
	emr_status status = emr_buf_append(out, header, sizeof header - 1);

	if (n > 1)
		qsort_r(lines, n, sizeof *lines, by_path, l->out);
	for (size_t i = 0; i < n && status == EMR_OK; i++)
		status = emr_buf_append(out, l->out->data + lines[i].at, lines[i].len);
	return status;
}

emr_status emr_index_csv(emr_session *session, emr_buf *out)
{
	EMR_AUTO_BUF found = {0};
	EMR_AUTO_CROWD crowd = {0};
	__attribute__((cleanup(listing_end)))
	listing l = {.session = session, .crowd = &crowd, .out = &found};
	EMR_WALK(walk, session->view, "");

	EMR_TRY(emr_chronicle_catch_up(session->chronicle, NULL));
	EMR_TRY(emr_crowd_open(session, &crowd));
	while (emr_walk_next(&walk))
		EMR_TRY(add_record(&l, walk.path, &walk.attr));
	EMR_TRY(walk.status);
	return put_sorted(&l, out);
}
