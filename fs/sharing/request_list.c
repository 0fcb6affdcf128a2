/* This file lists the requests for access that came and those that were sent, with names, words
 * and short ids that a person can type. Words of strangers are shown between quotation marks
 * that they cannot close. */
#include "sharing/request_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/text.h"
#include "kit/purposes.h"
#include "share/write.h"
#include "sharing/sharing.h"

#define ID_LETTERS_MIN 4
#define ID_LETTERS_MAX 26
#define CLOCKS_DIFFER_S 600u /* what the ledger allows */

void emr_request_list_free(emr_request_list *requests)
{
	free(requests->list);
	*requests = (emr_request_list){0};
}

/* ---- collecting ---- */

typedef struct collecting {
	emr_share *share;
	emr_crowd crowd;
	emr_orders orders;
	emr_request_list out;
	size_t cap;
	uint64_t now;
} collecting;

static emr_status next_row(collecting *c, emr_listed_request **out)
{
	if (emr_array_room(&c->out.list, c->out.n, &c->cap, sizeof *c->out.list) != EMR_OK)
		return EMR_NO_MEMORY;
	*out = &c->out.list[c->out.n];
	memset(*out, 0, sizeof **out);
	return EMR_OK;
}

/* Of whom neither the book nor the ledger has anything: what his card says is his own word. */
static void name_asker(const emr_share_request *p, emr_listed_request *listed)
{
	if (listed->who.name[0] != '\0' || listed->who.says[0] != '\0' || !p->has_card)
		return;
	emr_name_says(emr_bytes_of(p->card.name, strlen(p->card.name)), "", listed->who.says,
		sizeof listed->who.says);
	snprintf(listed->who.born, sizeof listed->who.born, "%s", p->card.born);
}

/* A yes that the ledger has no word for: of a right to leave things. */
static bool said_yes(const collecting *c, const emr_share_request *p)
{
	const emr_order *row = emr_orders_asked(&c->orders, p->request);

	return p->state == EMR_SHARE_REQUEST_OPEN && row != NULL &&
	       row->told == EMR_SHARE_REQUEST_APPROVED;
}

static emr_status take_received(collecting *c, const emr_share_request *p)
{
	emr_listed_request *listed;

	EMR_TRY(next_row(c, &listed));
	EMR_TRY(emr_who_at(&c->crowd, p->from, p->seq, &listed->who));
	listed->request = p->request;
	listed->is_to_me = listed->is_readable = true;
	listed->state = said_yes(c, p) ? EMR_SHARE_REQUEST_APPROVED : p->state;
	listed->is_over = listed->state == EMR_SHARE_REQUEST_OPEN && p->until_unix_s <= c->now;
	listed->seq = p->seq;
	listed->asked_at = p->asked_at;
	listed->last_at = p->ledger_time;
	listed->until_unix_s = p->until_unix_s;
	listed->purposes = p->purposes;
	listed->rights = p->rights;
	memcpy(listed->path, p->path, sizeof listed->path);
	memcpy(listed->reason, p->reason, sizeof listed->reason);
	name_asker(p, listed);
	c->out.waiting += listed->state == EMR_SHARE_REQUEST_OPEN;
	c->out.n++;
	return EMR_OK;
}

static bool is_answer(const emr_writing *writing, const emr_order *asked)
{
	return writing->phase == EMR_WRITING_IN_FORCE && !emr_writing_may_change(writing) &&
	       emr_id32_equal(writing->card.signer_id, asked->grantee) &&
	       writing->since_unix_s + CLOCKS_DIFFER_S >= asked->asked_unix_s;
}

/* The ledger's word of a yes names a grant, and a right only to leave things has none: the right
 * itself is the answer. */
static void see_right(const collecting *c, const emr_order *asked, emr_listed_request *listed)
{
	EMR_AUTO_BUF writings = {0};

	if (listed->state != EMR_SHARE_REQUEST_OPEN || asked->rights != EMR_RIGHTS_DEPOSIT ||
		emr_share_writings(c->share, &writings, NULL) != EMR_OK)
		return;
	EMR_EACH (const emr_writing, writing, &writings)
		if (is_answer(writing, asked))
			listed->state = EMR_SHARE_REQUEST_APPROVED;
}

static void fill_sent(const collecting *c, const emr_order *asked, emr_listed_request *listed)
{
	listed->is_readable = true;
	listed->asked_at = asked->asked_unix_s;
	listed->until_unix_s = asked->until_unix_s;
	listed->purposes = asked->purposes;
	listed->rights = asked->rights;
	listed->told = asked->told;
	listed->is_over = listed->state == EMR_SHARE_REQUEST_OPEN && asked->until_unix_s <= c->now;
	memcpy(listed->path, asked->path, sizeof listed->path);
	memcpy(listed->reason, asked->reason, sizeof listed->reason);
}

static emr_status take_sent(collecting *c, const emr_share_request_sent *sent)
{
	const emr_order *asked = emr_orders_asked(&c->orders, sent->request);
	emr_share_request_answer answer;
	emr_listed_request *listed;

	EMR_TRY(next_row(c, &listed));
	EMR_TRY(emr_share_request_look(c->share, sent->request, &answer));
	if (asked != NULL)
		EMR_TRY(emr_who_of(&c->crowd, asked->grantee, &listed->who));
	listed->request = sent->request;
	listed->state = sent->state;
	listed->seq = sent->seq;
	listed->asked_at = listed->last_at = sent->ledger_time;
	if (asked != NULL)
		see_right(c, asked, listed);
	if (asked != NULL)
		fill_sent(c, asked, listed);
	memcpy(listed->answer, answer.reason, sizeof listed->answer);
	c->out.n++;
	return EMR_OK;
}

static bool is_listed(const collecting *c, emr_id16 request)
{
	for (size_t i = 0; i < c->out.n; i++)
		if (emr_id16_equal(c->out.list[i].request, request))
			return true;
	return false;
}

/* Adds a row about ASKED, which is kept here and is STATE. */
static emr_status add_asked(collecting *c, const emr_order *asked, emr_share_request_state state,
	emr_listed_request **out)
{
	EMR_TRY(next_row(c, out));
	EMR_TRY(emr_who_of(&c->crowd, asked->grantee, &(*out)->who));
	(*out)->request = asked->request;
	(*out)->state = state;
	(*out)->last_at = asked->asked_unix_s;
	fill_sent(c, asked, *out);
	c->out.n++;
	return EMR_OK;
}

/* Requests that a right answered, and that were taken back then: what became of them is known here
 * only. */
static emr_status add_closed(collecting *c)
{
	for (size_t i = 0; i < c->orders.n; i++) {
		const emr_order *asked = &c->orders.list[i];
		emr_listed_request *listed;

		if (asked->kind == EMR_ORDER_ASKED && asked->rights == EMR_RIGHTS_DEPOSIT &&
			asked->told == EMR_SHARE_REQUEST_APPROVED &&
			asked->asked_unix_s + EMR_SHARE_REQUEST_ANSWERED_S > c->now &&
			!is_listed(c, asked->request))
			EMR_TRY(add_asked(c, asked, EMR_SHARE_REQUEST_APPROVED, &listed));
	}
	return EMR_OK;
}

/* Files of one's own that ask for somebody. */
static emr_status add_consents(collecting *c)
{
	for (size_t i = 0; i < c->orders.n; i++) {
		const emr_order *asked = &c->orders.list[i];
		emr_listed_request *listed;

		if (!emr_order_is_of_consent(asked))
			continue;
		EMR_TRY(add_asked(c, asked, (emr_share_request_state)asked->told, &listed));
		listed->is_to_me = true;
		memcpy(listed->file, asked->reason, sizeof listed->file);
		listed->reason[0] = '\0';
		c->out.waiting += listed->state == EMR_SHARE_REQUEST_OPEN;
	}
	return EMR_OK;
}

/* ---- ids ---- */

static size_t common(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] != '\0' && a[n] == b[n])
		n++;
	return n;
}

/* Each as short as no other one begins, and at least four letters. */
static emr_status name_rows(emr_request_list *requests)
{
	char(*whole)[ID_LETTERS_MAX + 1] = calloc(requests->n + 1, sizeof *whole);

	if (whole == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < requests->n; i++)
		emr_base32(
			requests->list[i].request.b, sizeof requests->list[i].request.b, whole[i]);
	for (size_t i = 0; i < requests->n; i++) {
		size_t letters = ID_LETTERS_MIN;

		for (size_t j = 0; j < requests->n; j++) {
			size_t same = j != i ? common(whole[i], whole[j]) : 0;

			letters = same >= letters ? same + 1 : letters;
		}
		snprintf(requests->list[i].id, sizeof requests->list[i].id, "r-%.*s", (int)letters,
			whole[i]);
		snprintf(requests->list[i].whole, sizeof requests->list[i].whole, "r-%s", whole[i]);
	}
	free(whole);
	return EMR_OK;
}

static int by_age(const void *a, const void *b)
{
	const emr_listed_request *one = a, *other = b;

	if (one->seq != other->seq)
		return one->seq < other->seq ? -1 : 1;
	if (one->asked_at != other->asked_at) /* files ask without an entry */
		return one->asked_at < other->asked_at ? -1 : 1;
	return memcmp(one->request.b, other->request.b, sizeof one->request.b);
}

static emr_status collect_requests(collecting *c, const emr_session *session)
{
	EMR_AUTO_BUF received = {0}, sent = {0};
	emr_share_request_tally tally = {0};

	EMR_TRY(emr_crowd_open(session, &c->crowd));
	EMR_TRY(emr_orders_load(session->keyring, session->state_fd, &c->orders));
	EMR_TRY(emr_share_requests(c->share, &received, &tally));
	EMR_EACH (const emr_share_request, request, &received)
		EMR_TRY(take_received(c, request));
	EMR_TRY(emr_share_requests_sent(c->share, &sent));
	EMR_EACH (const emr_share_request_sent, one, &sent)
		EMR_TRY(take_sent(c, one));
	EMR_TRY(add_closed(c));
	EMR_TRY(add_consents(c));
	c->out.held_back = tally.held_back;
	if (c->out.n > 0)
		qsort(c->out.list, c->out.n, sizeof *c->out.list, by_age);
	return name_rows(&c->out);
}

emr_status emr_request_list_collect(
	const emr_session *session, emr_share *share, emr_request_list *out)
{
	collecting c = {.share = share, .now = emr_clock_unix_s(emr_clock_system())};
	emr_share *own = NULL;
	emr_status status = share == NULL ? emr_sharing_handle(session, &own) : EMR_OK;

	if (share == NULL)
		c.share = own;
	if (status == EMR_OK)
		status = collect_requests(&c, session);
	emr_share_free(own);
	emr_crowd_close(&c.crowd);
	emr_orders_free(&c.orders);
	if (status != EMR_OK) {
		emr_request_list_free(&c.out);
		return status;
	}
	*out = c.out;
	return EMR_OK;
}

emr_status emr_request_list_find(
	const emr_request_list *requests, const char *id, const emr_listed_request **out)
{
	const emr_listed_request *found = NULL;
	char whole[ID_LETTERS_MAX + 1];

	if (strncmp(id, "r-", 2) == 0)
		id += 2;
	for (size_t i = 0; i < requests->n; i++) {
		emr_base32(requests->list[i].request.b, sizeof requests->list[i].request.b, whole);
		if (strlen(id) < ID_LETTERS_MIN || strncmp(whole, id, strlen(id)) != 0)
			continue;
		if (found != NULL)
			return EMR_CONFLICT;
		found = &requests->list[i];
	}
	if (found == NULL)
		return EMR_NOT_FOUND;
	*out = found;
	return EMR_OK;
}

/* ---- words ---- */

/* "open", "over", "approved", "denied". */
static const char *state_text(const emr_listed_request *listed)
{
	switch (listed->state) {
	case EMR_SHARE_REQUEST_OPEN:
		return listed->is_over ? "over" : "open";
	case EMR_SHARE_REQUEST_APPROVED:
		return "approved";
	case EMR_SHARE_REQUEST_DENIED:
		return "denied";
	case EMR_SHARE_REQUEST_WITHDRAWN:
		return "withdrawn";
	}
	return "?";
}

void emr_listed_request_who_text(const emr_listed_request *listed, char *out, size_t size)
{
	size_t len;

	if (!listed->is_readable) {
		snprintf(out, size, _("somebody (asked from another computer)"));
		return;
	}
	emr_who_text(&listed->who, out, size);
	len = strlen(out);
	if (listed->is_to_me && !listed->who.is_known && len < size)
		snprintf(out + len, size - len, _(" (no card of each other)"));
}

/* Cut at a whole character, with dots; SIZE is at least 4. */
static void shorten(char *text, size_t size)
{
	size_t at = size - 4;

	if (strlen(text) < size - 1)
		return;
	while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
		at--;
	memcpy(text + at, "...", 4);
}

void emr_listed_request_path_text(const emr_listed_request *listed, char *out, size_t size)
{
	if (listed->path[0] == '\0') {
		snprintf(out, size, "%s",
			listed->is_readable ? _("your records (no folder named)") : "?");
		return;
	}
	emr_show(listed->path, out, size);
	shorten(out, size);
}

/* Between quotation marks nothing can end them. */
void emr_listed_request_reason_text(const char *reason, char *out, size_t size)
{
	emr_show(reason, out, size);
	for (char *at = out; *at != '\0'; at++)
		*at = *at == '"' ? '\'' : *at;
	shorten(out, size);
}

const char *emr_listed_request_besides(const emr_listed_request *listed)
{
	if (listed->rights == EMR_RIGHTS_DEPOSIT)
		return _(", to leave files there");
	return emr_rights_of_writing(listed->rights) != 0 ? _(", to read and change") : "";
}

static const char *to_text(const emr_listed_request *listed)
{
	if (listed->rights == EMR_RIGHTS_DEPOSIT)
		return _("leave files there, and see nothing");
	return emr_rights_of_writing(listed->rights) != 0 ? _("read and change") : _("read");
}

json_t *emr_listed_request_json(const emr_listed_request *listed)
{
	char purposes[EMR_PURPOSES_TEXT_BYTES], until[EMR_TEXT_BYTES], at[EMR_TEXT_BYTES],
		last[EMR_TEXT_BYTES];
	json_t *row;

	emr_purposes_text(listed->purposes, purposes);
	emr_time_json((int64_t)listed->until_unix_s, until);
	emr_time_json((int64_t)listed->asked_at, at);
	emr_time_json((int64_t)listed->last_at, last);
	row = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:b, s:b}", "id", listed->id, "whole",
		listed->whole, "direction", listed->is_to_me ? "to-me" : "from-me", "who",
		emr_json_text(listed->who.called), "name", emr_json_text(listed->who.name),
		"organisation", emr_json_text(listed->who.organisation), "says",
		emr_json_text(listed->who.says), "known", listed->who.is_known, "compared",
		listed->who.is_compared);
	if (row == NULL ||
		json_object_set_new(row, "rights", json_string(emr_rights_word(listed->rights))) !=
			0 ||
		json_object_update_new(
			row, json_pack("{s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:o}", "path",
				     emr_json_text(listed->path), "reason",
				     emr_json_text(listed->reason), "purpose", purposes, "until",
				     until, "state", state_text(listed), "at", at, "answered_at",
				     listed->state == EMR_SHARE_REQUEST_OPEN ? "" : last, "answer",
				     emr_json_text(listed->answer))) != 0 ||
		json_object_set_new(row, "file", emr_json_text(listed->file)) != 0 ||
		json_object_set_new(row, "owner",
			listed->is_to_me ? json_string("you") : emr_json_text(listed->who.name)) !=
			0) {
		json_decref(row);
		return NULL;
	}
	return row;
}

emr_status emr_listed_request_file(const emr_listed_request *listed, emr_buf *out)
{
	char who[900], path[EMR_REQUEST_PATH_MAX + 1], reason[EMR_REQUEST_REASON_MAX + 1],
		when[EMR_TEXT_BYTES];
	char until[EMR_TEXT_BYTES], bits[EMR_PURPOSES_TEXT_BYTES],
		purposes[2 * EMR_PURPOSES_TEXT_BYTES], *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	emr_status status;

	if (to == NULL)
		return EMR_NO_MEMORY;
	emr_listed_request_who_text(listed, who, sizeof who);
	emr_listed_request_path_text(listed, path, sizeof path);
	emr_listed_request_reason_text(
		listed->file[0] != '\0' ? listed->file : listed->reason, reason, sizeof reason);
	emr_time_text((int64_t)listed->asked_at, when);
	emr_time_text((int64_t)listed->until_unix_s, until);
	emr_purposes_text(listed->purposes, bits);
	emr_text_words(bits, purposes, sizeof purposes);
	fprintf(to, _("Request %s of %s\n\n"), listed->id, when);
	fprintf(to, listed->file[0] != '\0' ? _("For whom:   %s\n") : _("Who asks:   %s\n"), who);
	fputs("            ", to);
	emr_hint_print(to,
		listed->who.is_compared ? _("You know each other, and have compared your number.\n")
		: listed->who.is_known
			? _("You know each other; your number is not compared (emrfs people "
			    "check).\n")
			: _("You have no card of each other: be sure who it is before you say "
			    "yes.\n"));
	fprintf(to, listed->file[0] != '\0' ? _("For what:   %s\n") : _("Asks for:   %s\n"), path);
	fprintf(to, _("To:         %s, until %s%s\n"), to_text(listed), until,
		listed->is_over ? _(" (that has passed)") : "");
	fprintf(to, _("Purpose:    %s\n"), purposes);
	if (reason[0] != '\0')
		fprintf(to,
			listed->file[0] != '\0' ? _("Consent:    %s\n") : _("Says:       \"%s\"\n"),
			reason);
	emr_hint_print(to, "\nYes:        emrfs approve %s\nNo:         emrfs deny %s\n",
		listed->whole, listed->whole);
	status = fclose(to) != 0 ? EMR_NO_MEMORY : emr_buf_append(out, text, size);
	free(text);
	return status;
}
