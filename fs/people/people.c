/* The open folder answers `emrfs people` here: the person's own card, cards of others, and numbers
 * to compare. It refuses a card that is over, and the person's own. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "contract/codes.h"
#include "contract/rows.h"
#include "keyring/coowned.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/text.h"
#include "people/answers.h"
#include "people/book.h"
#include "session/registered.h"

#include "people_private.h"

#define CARD_YEARS 3
#define YEAR_S ((uint64_t)365 * 86400)
#define PORTION 50 /* people in one object */
#define NAMES_MAX 800

/* One change of the file at a time; other processes are kept out by the lock of the state. */
static pthread_mutex_t book_mutex = PTHREAD_MUTEX_INITIALIZER;

typedef struct asking {
	emr_session *session;
	const emr_request *request;
	const emr_sink *sink;
	emr_problem *problem;
	emr_crowd *crowd; /* with the book */
	json_t *result;	  /* sent when the book is free again; owned */
	emr_id16 net_id;
	uint64_t now;
} asking;

/* ---- one person ---- */

static emr_status put_registered(const asking *a, const emr_contact *contact, json_t *one)
{
	emr_registered known = {.not_after_unix_s = UINT64_MAX};
	char until[EMR_TEXT_BYTES], teams[NAMES_MAX] = "";
	emr_known_person person;
	emr_id32 root;
	bool is_known;
	uint64_t ends = contact->card.expires;
	emr_status status = emr_registered_find(a->session->replica,
		emr_ledger_descriptor(a->session->ledger), contact->card.signer_id, a->now, &known);

	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	is_known = status == EMR_OK;
	if (is_known) {
		status = emr_replica_person(a->session->replica, contact->card.signer_id, &person);
		memcpy(root.b, person.row.root, sizeof root.b);
		if (status == EMR_OK)
			status = emr_who_teams_of(a->crowd, root, teams, sizeof teams);
		if (status != EMR_OK)
			return status;
	}
	if (known.not_after_unix_s < ends)
		ends = known.not_after_unix_s;
	if (is_known && person.row.invalid_since_unix_s != 0 &&
		person.row.invalid_since_unix_s < ends)
		ends = person.row.invalid_since_unix_s;
	emr_time_json((int64_t)ends, until);
	return json_object_set_new(one, "role", json_string(known.roles)) == 0 &&
			       json_object_set_new(one, "organisation",
				       emr_json_text(known.organisation)) == 0 &&
			       json_object_set_new(one, "team", json_string(teams)) == 0 &&
			       json_object_set_new(
				       one, "registered", json_boolean(known.is_active)) == 0 &&
			       json_object_set_new(
				       one, "key_ended", json_boolean(ends <= a->now)) == 0 &&
			       json_object_set_new(one, "valid_until", json_string(until)) == 0
		       ? EMR_OK
		       : EMR_NO_MEMORY;
}

/* Owned by the caller; NULL without memory or when the ledger's copy cannot be read. */
static json_t *describe_contact(const asking *a, const emr_contact *contact)
{
	const emr_card *card = &contact->card;
	char code[EMR_KEY_CODE_MAX + 1], id[65];
	emr_who who; /* with the word that is typed: the owner's, else the certificate's */
	json_t *one;

	emr_key_code(card->signer_id, EMR_KEY_CODE_SHOWN, code);
	emr_hex(card->signer_id.b, sizeof card->signer_id.b, id);
	one = json_pack("{s:o, s:o, s:s, s:s, s:s, s:b, s:b}", "who", emr_json_text(contact->who),
		"name", emr_json_text(card->name), "born", card->born, "code", code, "id", id,
		"compared", contact->compared_unix_s != 0, "same_network",
		memcmp(card->net_id.b, a->net_id.b, sizeof a->net_id.b) == 0);
	if (one != NULL &&
		(emr_who_of(a->crowd, card->signer_id, &who) != EMR_OK ||
			json_object_set_new(one, "called", emr_json_text(who.called)) != 0 ||
			put_registered(a, contact, one) != EMR_OK)) {
		json_decref(one);
		return NULL;
	}
	return one;
}

/* ---- one's own card ---- */

static emr_status own_card(const asking *a, emr_buf *out, emr_card *out_card)
{
	const emr_profile *profile = &a->session->profile;
	const char *name = emr_card_name_ok(profile->name) ? profile->name : "";

	EMR_TRY(emr_card_make_person(a->session->keyring, a->net_id, a->now,
		a->now + CARD_YEARS * YEAR_S, name, profile->born, out));
	return emr_card_read(emr_buf_view(out), out_card);
}

/* The Inbox's card goes behind one's own: whoever holds that paper may leave records there.  Not
 * on a computer that was added later: only the first one has the key of the Inbox. */
static emr_status add_inbox(const asking *a, const emr_card *mine, emr_buf *card)
{
	emr_known_domain one, inbox = {.is_mine = false};

	EMR_ASK(asked, a->session->replica, DOMAINS);
	while (emr_next(&asked, &one))
		if (one.is_mine && (one.row.head.flags & EMR_ITEM_INBOX) != 0)
			inbox = one;
	EMR_TRY(asked.status);
	if (!inbox.is_mine || emr_keyring_coowns(a->session->keyring, inbox.domain))
		return EMR_OK;
	return emr_card_make_domain(a->session->keyring, a->net_id, inbox.domain, 1,
		inbox.row.head.epoch, mine->issued, mine->expires, "", "", card);
}

/* How far its holder has seen the ledger goes along, by the word of the host: whoever gets the card
 * by another way than the host's notices when it shows others something else. */
static emr_status add_note(const asking *a, emr_buf *text)
{
	EMR_AUTO_BUF note = {0};
	emr_status status = emr_replica_note(a->session->replica, &note);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	EMR_TRY(emr_buf_append(text, "\n", 1));
	return emr_buf_append(text, note.data, note.len);
}

/* The note that came with a card says what the host shows others.  One that is not the host's says
 * nothing. */
static emr_status hear_note(const asking *a)
{
	const char *note = a->request->note;
	emr_session *session = a->session;
	emr_status status = note[0] != '\0' ? emr_replica_hear(session->replica,
						      emr_bytes_of(note, strlen(note)))
					    : EMR_OK;

	if (status == EMR_FORK || status == EMR_ROLLBACK) {
		if (session->view != NULL)
			emr_view_stop_writing(session->view, status);
		(void)emr_session_is_read_only(session, a->problem);
		return status;
	}
	if (status != EMR_DAMAGED && status != EMR_LIMIT && status != EMR_BAD_SIGNATURE &&
		status != EMR_NOT_FOUND)
		return status;
	emr_log(EMR_LOG_WARN, "people: a card came with a note that is not the host's");
	return EMR_OK;
}

static emr_status answer_card(const asking *a)
{
	EMR_AUTO_BUF card = {0};
	EMR_AUTO_BUF text = {0};
	char qr[EMR_CARD_QR_MAX], until[EMR_TEXT_BYTES], code[EMR_KEY_CODE_MAX + 1], id[65];
	emr_card mine;
	json_t *object;

	EMR_TRY(own_card(a, &card, &mine));
	EMR_TRY(add_inbox(a, &mine, &card));
	EMR_TRY(emr_card_file_text(emr_buf_view(&card), &text));
	EMR_TRY(add_note(a, &text));
	EMR_TRY(emr_card_qr_text(emr_buf_view(&card), qr));
	emr_key_code(mine.signer_id, EMR_KEY_CODE_SHOWN, code);
	emr_hex(mine.signer_id.b, sizeof mine.signer_id.b, id);
	emr_time_json((int64_t)mine.expires, until);
	object = json_pack("{s:b, s:s%, s:s, s:o, s:s, s:s, s:s, s:s}", "done", 1, "card",
		(const char *)text.data, text.len, "qr", qr, "name", emr_json_text(mine.name),
		"born", mine.born, "code", code, "id", id, "valid_until", until);
	return emr_emit(a->sink, object);
}

/* ---- others ---- */

/* In the book, at *OUT_INDEX; or a member without a card, with the book's size there. */
static emr_status find_person(const asking *a, size_t *out_index, emr_who *out_who)
{
	char names[NAMES_MAX] = "";
	emr_status status;

	if (emr_book_find(&a->crowd->book, a->request->who, out_index, names, sizeof names) ==
		EMR_OK)
		return EMR_OK;
	status = emr_who_find_or_say(a->crowd, a->request->who, out_who, a->problem);
	if (status != EMR_NOT_FOUND || !out_who->is_sharer)
		EMR_TRY(status);
	a->problem->is_set = false;
	for (*out_index = 0; *out_index < a->crowd->book.n; ++*out_index)
		if (emr_id32_equal(a->crowd->book.people[*out_index].card.signer_id, out_who->id))
			return EMR_OK;
	if (out_who->kind == EMR_WHO_PERSON && out_who->is_registered)
		return EMR_OK;
	emr_person_unknown(&a->crowd->book, a->request->who, "", a->problem);
	return EMR_NOT_FOUND;
}

static emr_status answer_list(const asking *a)
{
	const bool is_all = a->request->who[0] == '\0';
	size_t first = 0, end = a->crowd->book.n;
	json_t *portion = json_array(), *object;
	emr_who who = {.name = ""};
	emr_status status = portion != NULL ? EMR_OK : EMR_NO_MEMORY;

	if (status == EMR_OK && !is_all) {
		status = find_person(a, &first, &who);
		end = first < end ? first + 1 : end;
	}
	if (status == EMR_OK && first == a->crowd->book.n && !is_all &&
		json_array_append_new(portion, emr_member_json(a->crowd, &who)) != 0)
		status = EMR_NO_MEMORY;
	for (size_t i = first; i < end && status == EMR_OK; i++) {
		json_t *one = describe_contact(a, &a->crowd->book.people[i]);

		status = one != NULL && json_array_append_new(portion, one) == 0 ? EMR_OK
										 : EMR_NO_MEMORY;
		if (status != EMR_OK || json_array_size(portion) < PORTION)
			continue;
		object = json_pack("{s:O}", "people", portion);
		status = emr_emit(a->sink, object);
		json_decref(portion);
		portion = json_array();
		if (portion == NULL)
			status = EMR_NO_MEMORY;
	}
	if (status == EMR_OK && is_all)
		status =
			emr_members_add(a->crowd, a->session->identity.signer_id, PORTION, portion);
	if (status != EMR_OK) {
		json_decref(portion);
		return status;
	}
	object = json_pack("{s:b, s:o}", "done", 1, "people", portion);
	return emr_emit(a->sink, object);
}

static emr_status save(const asking *a)
{
	emr_status status =
		emr_book_save(a->session->keyring, a->session->state_fd, &a->crowd->book);

	if (status == EMR_LIMIT)
		emr_problem_set(a->problem, EMR_SAY_BOOK_FULL, NULL);
	return status;
}

static const char *newer_format(char *out, size_t size)
{
	char numbers[120];

	emr_newer_numbers(numbers, sizeof numbers);
	snprintf(out, size, "%s%s", _("it has a format that this emrfs does not know"), numbers);
	return out;
}

static void say_put(const asking *a, emr_status status, size_t index)
{
	const emr_request *request = a->request;
	const char *cause = _("it was changed, or not signed by its keys");
	char names[NAMES_MAX] = "", newer[300];

	if (status == EMR_EXISTS) {
		const emr_contact *other = &a->crowd->book.people[index];

		snprintf(names, sizeof names, "%s%s%s", other->card.name,
			other->card.born[0] != '\0' ? _(", born ") : "", other->card.born);
		emr_problem_set(
			a->problem, EMR_SAY_NAME_TAKEN, "who", other->who, "names", names, NULL);
	} else if (status == EMR_LIMIT && a->crowd->book.n >= EMR_BOOK_PEOPLE_MAX) {
		emr_problem_set(a->problem, EMR_SAY_BOOK_FULL, NULL);
	} else if (status == EMR_INVALID && request->name[0] != '\0') {
		emr_problem_set(a->problem, EMR_SAY_BAD_PERSON_NAME, "who", request->name, NULL);
	} else if (status == EMR_DAMAGED || status == EMR_BAD_SIGNATURE ||
		   status == EMR_UNSUPPORTED || status == EMR_NEWER_FORMAT || status == EMR_LIMIT ||
		   status == EMR_INVALID) {
		if (status == EMR_UNSUPPORTED)
			cause = _("it is the card of a folder, not of a person");
		if (status == EMR_NEWER_FORMAT)
			cause = newer_format(newer, sizeof newer);
		emr_problem_set(a->problem, EMR_SAY_BAD_CARD, "cause", cause, NULL);
	}
}

/* Refuses cards that must not come into the book: the person's own, and one that is over. */
static emr_status judge_card(const asking *a, const emr_contact *contact)
{
	char when[EMR_TEXT_BYTES];

	if (memcmp(contact->card.signer_id.b, a->session->identity.signer_id.b, 32) == 0) {
		emr_problem_set(a->problem, EMR_SAY_OWN_CARD, NULL);
		return EMR_INVALID;
	}
	if (contact->card.expires > a->now)
		return EMR_OK;
	emr_time_text((int64_t)contact->card.expires, when);
	emr_problem_set(a->problem, EMR_SAY_CARD_ENDED, "who", contact->who, "time", when, NULL);
	return EMR_DENIED;
}

static emr_status answer_add(asking *a)
{
	static const char *const changes[] = {[EMR_BOOK_ADDED] = "added",
		[EMR_BOOK_SAME] = "same",
		[EMR_BOOK_RENEWED] = "renewed",
		[EMR_BOOK_REKEYED] = "rekeyed"};
	const emr_request *request = a->request;
	size_t index = 0;
	emr_book_change change;
	json_t *one;
	emr_status status =
		emr_book_put(&a->crowd->book, emr_bytes_of(request->card, request->card_len),
			request->name[0] != '\0' ? request->name : NULL, a->now, &index, &change);

	if (status != EMR_OK)
		say_put(a, status, index);
	if (status == EMR_OK)
		status = judge_card(a, &a->crowd->book.people[index]);
	if (status == EMR_OK)
		status = save(a);
	if (status != EMR_OK)
		return status;
	one = describe_contact(a, &a->crowd->book.people[index]);
	a->result =
		json_pack("{s:b, s:[o], s:s}", "done", 1, "people", one, "change", changes[change]);
	return a->result != NULL ? EMR_OK : EMR_NO_MEMORY;
}

static emr_status note_compared(asking *a, size_t index, emr_who *who)
{
	const bool is_same = a->request->compared;

	if (!is_same && !a->request->drop)
		return EMR_OK;
	if (index < a->crowd->book.n)
		a->crowd->book.people[index].compared_unix_s = is_same ? a->now : 0;
	else
		EMR_TRY(emr_book_compared(&a->crowd->book, who->id, is_same));
	who->is_compared = is_same;
	return save(a);
}

static emr_status answer_check(asking *a)
{
	EMR_AUTO_BUF card = {0};
	char number[EMR_SAFETY_NUMBER_CHARS];
	emr_card mine, theirs;
	emr_who who = {.name = ""};
	size_t index = 0;

	EMR_TRY(find_person(a, &index, &who));
	if (index < a->crowd->book.n)
		theirs = a->crowd->book.people[index].card;
	else
		EMR_TRY(emr_member_card(a->session->replica, &who, &theirs));
	EMR_TRY(own_card(a, &card, &mine));
	EMR_TRY(emr_card_safety_number(&mine, false, &theirs, false, number));
	EMR_TRY(note_compared(a, index, &who));
	a->result = json_pack("{s:b, s:[o], s:s}", "done", 1, "people",
		index < a->crowd->book.n ? describe_contact(a, &a->crowd->book.people[index])
					 : emr_member_json(a->crowd, &who),
		"number", number);
	return a->result != NULL ? EMR_OK : EMR_NO_MEMORY;
}

static emr_status load(asking *a)
{
	char file[4400];
	emr_status status =
		emr_book_load(a->session->keyring, a->session->state_fd, &a->crowd->book);

	snprintf(file, sizeof file, "%.4000s/%s", a->session->state_path, EMR_STATE_BOOK);
	if (status == EMR_DAMAGED)
		emr_problem_set(a->problem, EMR_SAY_BOOK_DAMAGED, "file", file, NULL);
	else if (status == EMR_NEWER_FORMAT)
		emr_problem_set(
			a->problem, EMR_SAY_NEWER_FORMAT, "what", _("The list of people"), NULL);
	return status;
}

/* Nobody else's slow socket holds the book. */
static emr_status change(asking *a)
{
	emr_status status;

	pthread_mutex_lock(&book_mutex);
	status = load(a);
	if (status == EMR_OK)
		status = a->request->card_len > 0 ? answer_add(a) : answer_check(a);
	pthread_mutex_unlock(&book_mutex);
	if (status == EMR_OK)
		status = hear_note(a);
	if (status != EMR_OK) {
		json_decref(a->result);
		return status;
	}
	return emr_emit(a->sink, a->result);
}

emr_status emr_answer_people(emr_session *session, const emr_request *request, const emr_sink *sink,
	emr_problem *out_problem)
{
	EMR_AUTO_CROWD crowd = {.keyring = session->keyring,
		.replica = session->replica,
		.descriptor = emr_ledger_descriptor(session->ledger),
		.session = session,
		.now_unix_s = emr_clock_unix_s(emr_clock_system())};
	asking a = {.session = session,
		.crowd = &crowd,
		.request = request,
		.sink = sink,
		.problem = out_problem,
		.net_id = emr_ledger_net_id(session->ledger),
		.now = crowd.now_unix_s};
	emr_status status;

	if (request->mine) {
		status = answer_card(&a);
	} else if (request->card_len > 0 || request->number) {
		status = change(&a);
	} else {
		status = load(&a);
		if (status == EMR_OK)
			status = answer_list(&a);
	}
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, "people");
	return status;
}
