/* This file finds who is meant by what was typed (a name, a code, handle@organisation) and how a
 * key is called. It refuses a word that could mean two, and lists them. */
#include "people/who.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/codec.h"
#include "contract/codes.h"
#include "keyring/card.h"
#include "ledger/ledger.h"
#include "replica/people.h"

#include "people_private.h"

#define NAMES_MAX 800
#define FOLDED_MAX 256
#define HANDLE_MAX 255
#define ROTATIONS_MAX 64 /* keys in a row; more is no person */

emr_status emr_crowd_open(const emr_session *session, emr_crowd *out_crowd)
{
	emr_crowd crowd = {.keyring = session->keyring,
		.replica = session->replica,
		.descriptor = emr_ledger_descriptor(session->ledger),
		.session = session,
		.now_unix_s = emr_clock_unix_s(emr_clock_system())};

	EMR_TRY(emr_book_load(session->keyring, session->state_fd, &crowd.book));
	*out_crowd = crowd;
	return EMR_OK;
}

void emr_crowd_close(emr_crowd *crowd)
{
	emr_book_free(&crowd->book);
	emr_buf_free(&crowd->sharers);
}

/* ---- words ---- */

/* As the book of contacts says it, of somebody who may be in nobody's book; with a code that can be
 * typed where several are meant. */
static void list_person(const emr_who *who, size_t letters, char *out, size_t size)
{
	char code[EMR_KEY_CODE_MAX + 1], text[EMR_WHO_TEXT_BYTES], line[2 * EMR_WHO_TEXT_BYTES];

	emr_key_code(who->id, letters, code);
	emr_who_text(who, text, sizeof text);
	snprintf(line, sizeof line, "%s (%s)%s%s", text, code,
		strcmp(who->called, code) == 0 ? "" : " called ",
		strcmp(who->called, code) == 0 ? "" : who->called);
	emr_names_add(line, "; ", out, size);
}

emr_id32 emr_who_org_id(emr_id16 org)
{
	emr_id32 id = {{0}};

	memcpy(id.b, org.b, sizeof org.b);
	return id;
}

bool emr_who_is_same(const emr_who *a, const emr_who *b)
{
	if (emr_id32_equal(a->root, b->root))
		return true;
	return a->kind != EMR_WHO_PERSON && a->kind == b->kind && emr_id16_equal(a->org, b->org) &&
	       strcmp(a->called, b->called) == 0;
}

/* ---- what the ledger says of one key ---- */

/* The key that came after ID, and after that one, to the last. */
static emr_status present_key(emr_crowd *crowd, emr_id32 id, emr_known_person *out)
{
	for (int i = 0; i < ROTATIONS_MAX; i++) {
		EMR_TRY(emr_replica_person(crowd->replica, id, out));
		memcpy(id.b, out->row.next, sizeof id.b);
		if (emr_id32_is_zero(id))
			return EMR_OK;
	}
	return EMR_DAMAGED;
}

static const emr_contact *contact_of(
	const emr_crowd *crowd, const emr_known_person *person, emr_id32 id)
{
	for (size_t i = 0; i < crowd->book.n; i++) {
		const uint8_t *theirs = crowd->book.people[i].card.signer_id.b;

		if (memcmp(theirs, id.b, 32) == 0 ||
			(person != NULL && (memcmp(theirs, person->signer_id.b, 32) == 0 ||
						   memcmp(theirs, person->row.root, 32) == 0)))
			return &crowd->book.people[i];
	}
	return NULL;
}

/* Takes the name that this person gave the contact; a name with a comma could stand for two words
 * of a sentence, a name and an organisation, so that the code tells whose it is. */
static void take_contact(const emr_contact *contact, emr_who *out)
{
	char code[EMR_KEY_CODE_MAX + 1];
	bool has_comma = strchr(contact->who, ',') != NULL;

	emr_key_code(contact->card.signer_id, EMR_KEY_CODE_SHOWN, code);
	snprintf(out->called, sizeof out->called, "%s", contact->who);
	if (emr_key_code_names(contact->card.signer_id, contact->who)) /* called by nothing else */
		snprintf(out->name, sizeof out->name, "%s", code);
	else
		snprintf(out->name, sizeof out->name, "%s%s%s%s", contact->who,
			has_comma ? " (" : "", has_comma ? code : "", has_comma ? ")" : "");
	emr_name_says(emr_bytes_of(contact->card.name, strlen(contact->card.name)), contact->who,
		out->says, sizeof out->says);
	snprintf(out->born, sizeof out->born, "%s", contact->card.born);
	out->is_known = true;
	out->is_compared |= contact->compared_unix_s != 0;
}

/* Makes a name that can be typed: a handle that is nobody else's in an organisation that no other
 * member is called as, else a code that nobody else can have; without a certificate no name can be
 * typed, and the code is for people's eyes. */
static emr_status call_by_handle(emr_crowd *crowd, const emr_known_name *known, emr_who *out)
{
	char folded[FOLDED_MAX], code[EMR_KEY_CODE_MAX + 1];
	char name[EMR_ORGANISATION_NAME_MAX + 1], other[FOLDED_MAX];
	bool has_handle = known != NULL && known->handle[0] != '\0';
	size_t alike = 0;
	emr_known_org org;

	emr_key_code(out->id, has_handle ? EMR_KEY_CODE_NAMES : EMR_KEY_CODE_SHOWN, code);
	snprintf(out->called, sizeof out->called, "%s", code);
	emr_name_fold(out->organisation, folded, 160);
	if (!has_handle || !known->is_alone || strchr(known->handle, '/') != NULL ||
		!emr_shown_name_ok(known->handle, strlen(known->handle)) || folded[0] == '\0')
		return EMR_OK;
	EMR_ASK(asked, crowd->replica, ORGS);
	while (emr_next(&asked, &org)) {
		if (org.row.head.state != EMR_ORG_MEMBER)
			continue;
		EMR_TRY(emr_organisation_name(crowd->replica, crowd->descriptor, org.org.b, name));
		emr_name_fold(name, other, sizeof other);
		alike += strcmp(other, folded) == 0;
	}
	if (asked.status == EMR_OK && alike <= 1)
		snprintf(out->called, sizeof out->called, "%.90s@%.160s", known->handle, folded);
	return asked.status;
}

/* A person whom the owner gave no name has none in the book: what stands there is the word of a
 * card, and the certificate says who it is and what is typed. */
static emr_status take_own_word(emr_crowd *crowd, const emr_contact *contact,
	const emr_known_name *known, const emr_known_name *now, emr_who *out)
{
	if (known->shown[0] == '\0' || contact->is_given ||
		strcasecmp(contact->who, known->handle) == 0)
		return EMR_OK;
	snprintf(out->name, sizeof out->name, "%s", known->shown);
	emr_name_says(emr_bytes_of(contact->card.name, strlen(contact->card.name)), known->handle,
		out->says, sizeof out->says);
	out->is_own_word = true;
	return call_by_handle(crowd, now, out);
}

/* KNOWN: by which of his certificates he is named; NOW: by which one would type him. */
static emr_status describe_person(emr_crowd *crowd, const emr_known_person *person, emr_id32 id,
	const emr_known_name *known, const emr_known_name *now, emr_who *out)
{
	emr_who who = {.kind = EMR_WHO_PERSON,
		.id = person->signer_id,
		.root = EMR_ID32_AT(person->row.root),
		.org = EMR_ID16_AT(person->row.org),
		.is_registered = true,
		.from_seq = known->from_seq,
		.until_seq = known->until_seq};
	const emr_contact *contact = contact_of(crowd, person, id);

	EMR_TRY(emr_organisation_name(
		crowd->replica, crowd->descriptor, person->row.org, who.organisation));
	EMR_TRY(emr_replica_person_is_active(
		crowd->replica, person, crowd->now_unix_s, &who.is_active));
	snprintf(who.name, sizeof who.name, "%s", known->shown);
	snprintf(who.says, sizeof who.says, "%s", known->says);
	who.number = known->number;
	who.is_compared = emr_book_has_compared(&crowd->book, person->signer_id);
	*out = who;
	if (contact == NULL) {
		EMR_TRY(emr_member_says(crowd, known, out));
		return call_by_handle(crowd, now, out);
	}
	take_contact(contact, out);
	return take_own_word(crowd, contact, known, now, out);
}

/* Whom the ledger knows no key of: a team, a card, or nobody. */
static emr_status describe_other(emr_crowd *crowd, emr_id32 id, emr_who *out_who)
{
	emr_who who = {.kind = EMR_WHO_PERSON, .id = id, .root = id, .until_seq = UINT64_MAX};
	const emr_contact *contact = contact_of(crowd, NULL, id);
	emr_team team;
	emr_status status;

	*out_who = who;
	if (contact != NULL) {
		take_contact(contact, out_who);
		return EMR_OK;
	}
	status = emr_team_of_grantee(crowd->replica, id, &team);
	if (status == EMR_NOT_FOUND)
		return call_by_handle(crowd, NULL, out_who);
	return status == EMR_OK ? emr_who_of_team(crowd, &team, out_who) : status;
}

emr_status emr_who_of(emr_crowd *crowd, emr_id32 id, emr_who *out_who)
{
	return emr_who_at(crowd, id, UINT64_MAX, out_who);
}

bool emr_who_holds_at(const emr_who *who, uint64_t seq)
{
	return seq >= who->from_seq && (seq < who->until_seq || who->until_seq == UINT64_MAX);
}

emr_status emr_who_at(emr_crowd *crowd, emr_id32 id, uint64_t seq, emr_who *out_who)
{
	emr_known_name known, now = {.handle = ""};
	emr_known_person person;
	emr_status status = present_key(crowd, id, &person);

	if (status == EMR_OK)
		status = emr_replica_name(crowd->replica, person.signer_id, UINT64_MAX, &now);
	known = now;
	if (status == EMR_OK && seq != UINT64_MAX)
		status = emr_replica_name(crowd->replica, id, seq, &known);
	if (status == EMR_OK)
		status = describe_person(crowd, &person, id, &known, &now, out_who);
	return status == EMR_NOT_FOUND ? describe_other(crowd, id, out_who) : status;
}

/* ---- handle@organisation, or a handle that one member alone has ---- */

typedef struct search {
	emr_crowd *crowd;
	char handle[HANDLE_MAX + 1]; /* "" = the organisation itself */
	bool is_any;		     /* of whichever organisation */
	char org[FOLDED_MAX];
	emr_buf *orgs; /* emr_id16: those that are called so */
	size_t n_members, n, n_sharers;
	emr_who found, sharer; /* who calls himself so with what he shares: SHARER */
	char names[NAMES_MAX], near[NAMES_MAX];
} search;

static emr_status consider_org(search *s, const emr_known_org *known)
{
	char name[EMR_ORGANISATION_NAME_MAX + 1], folded[FOLDED_MAX],
		at[EMR_ORGANISATION_NAME_MAX + 2];
	emr_status status;

	if (s->is_any)
		return known->row.head.state == EMR_ORG_MEMBER
			       ? emr_buf_append(s->orgs, &known->org, sizeof known->org)
			       : EMR_OK;
	EMR_TRY(emr_organisation_name(s->crowd->replica, s->crowd->descriptor, known->org.b, name));
	emr_name_fold(name, folded, sizeof folded);
	snprintf(at, sizeof at, "@%s", folded);
	if (folded[0] == '\0' || strcmp(folded, s->org) != 0) {
		emr_names_add(at, "; ", s->near, sizeof s->near);
		return EMR_OK;
	}
	EMR_TRY(emr_buf_append(s->orgs, &known->org, sizeof known->org));
	s->n_members += known->row.head.state == EMR_ORG_MEMBER;
	if (s->handle[0] != '\0')
		return EMR_OK;
	s->n++;
	s->found = (emr_who){.kind = EMR_WHO_ORGANISATION,
		.id = emr_who_org_id(known->org),
		.root = emr_who_org_id(known->org),
		.org = known->org,
		.is_registered = true,
		.is_active = true,
		.until_seq = UINT64_MAX};
	snprintf(s->found.called, sizeof s->found.called, "%.255s", at);
	snprintf(s->found.name, sizeof s->found.name, "%s", name);
	snprintf(s->found.organisation, sizeof s->found.organisation, "%s", name);
	emr_names_add(name, "; ", s->names, sizeof s->names);
	status = emr_who_find_team(s->crowd, known->org, "", &s->found);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status consider_person(search *s, const emr_known_person *person)
{
	EMR_AUTO_BUF part = {0};
	emr_cert_facts facts;
	emr_bytes der, says;
	emr_who who;
	bool is_meant, is_unnamed, is_his;
	emr_status status;

	if (!emr_buf_has(s->orgs, emr_bytes_of(person->row.org, sizeof person->row.org)))
		return EMR_OK;
	status = emr_replica_registration(s->crowd->replica, person, &part, &der, &says);
	if (status != EMR_OK || emr_cert_read(der, &facts) != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	is_meant = strcasecmp(facts.handle, s->handle) == 0;
	is_unnamed = emr_handle_names_nobody(facts.handle);
	if (!is_meant && !is_unnamed && strncasecmp(facts.handle, s->handle, 2) != 0)
		return EMR_OK;
	EMR_TRY(emr_who_of(s->crowd, person->signer_id, &who));
	if (!who.is_active)
		return EMR_OK;
	is_his = who.is_sharer && strcasecmp(who.says, s->handle) == 0;
	if (is_his) {
		s->sharer = who;
		s->n_sharers++;
	}
	if (!is_meant) {
		if (is_his || !is_unnamed)
			list_person(&who, is_his ? EMR_KEY_CODE_NAMES : EMR_KEY_CODE_SHOWN, s->near,
				sizeof s->near);
		return EMR_OK;
	}
	list_person(&who, EMR_KEY_CODE_NAMES, s->names, sizeof s->names);
	s->found = who;
	s->n++;
	return EMR_OK;
}

/* A team of that name in one of the organisations that are called so. */
static emr_status consider_teams(search *s)
{
	EMR_EACH (const emr_id16, org, s->orgs) {
		emr_who who;
		emr_status status = emr_who_find_team(s->crowd, *org, s->handle, &who);

		if (status == EMR_OK) {
			emr_names_add(who.called, "; ", s->names, sizeof s->names);
			s->found = who;
		} else if (status != EMR_NOT_FOUND && status != EMR_CONFLICT) {
			return status;
		}
		s->n += status == EMR_OK ? 1 : status == EMR_CONFLICT ? 2 : 0;
	}
	return EMR_OK;
}

static emr_status find_at(
	emr_crowd *crowd, const char *text, emr_who *out_who, char *out_names, size_t size)
{
	const char *at = strchrnul(text, '\0'), *of = strrchr(text, '@');
	EMR_AUTO_BUF called_so = {0};
	search s = {.crowd = crowd, .orgs = &called_so, .is_any = of == NULL};
	emr_known_person person;
	emr_known_org org;

	at = of != NULL ? of : at;
	if ((size_t)(at - text) >= sizeof s.handle)
		return EMR_NOT_FOUND;
	memcpy(s.handle, text, (size_t)(at - text));
	if (of != NULL)
		emr_name_fold(of + 1, s.org, sizeof s.org);
	EMR_ASK(orgs, crowd->replica, ORGS);
	while (emr_next(&orgs, &org))
		EMR_TRY(consider_org(&s, &org));
	EMR_TRY(orgs.status);
	if (called_so.len > 0 && s.handle[0] != '\0') {
		s.near[0] = '\0'; /* its people are nearer than other organisations */
		EMR_ASK(people, crowd->replica, PEOPLE_NOW);
		while (emr_next(&people, &person))
			EMR_TRY(consider_person(&s, &person));
		EMR_TRY(people.status);
		if (of != NULL)
			EMR_TRY(consider_teams(&s));
	}
	if (of != NULL || s.n > 0)
		out_names[0] = '\0'; /* else who is near in the book is told, too */
	emr_names_add(s.n > 0 ? s.names : s.near, "; ", out_names, size);
	/* One of two organisations that are called so may have nobody of that handle yet. */
	if (s.n == 1 && s.n_members > 1)
		return EMR_CONFLICT;
	if (s.n_sharers == 1)
		*out_who = s.sharer;
	if (s.n != 1)
		return s.n == 0 ? EMR_NOT_FOUND : EMR_CONFLICT;
	*out_who = s.found;
	return EMR_OK;
}

/* ---- a code ---- */

emr_status emr_who_alike(emr_crowd *crowd, const char *code, size_t len, const emr_who *but,
	char *out_names, size_t names_size, size_t *out_others)
{
	EMR_AUTO_BUF ids = {0}; /* emr_id32: those of the ledger, then those of the book */
	emr_known_person person;
	size_t registered, at = 0;

	out_names[0] = '\0';
	*out_others = 0;
	EMR_ASK(asked, crowd->replica, PEOPLE_NOW);
	while (emr_next(&asked, &person))
		EMR_TRY(emr_buf_append(&ids, person.signer_id.b, sizeof(emr_id32)));
	EMR_TRY(asked.status);
	registered = ids.len / sizeof(emr_id32);
	for (size_t i = 0; i < crowd->book.n; i++)
		EMR_TRY(emr_buf_append(
			&ids, crowd->book.people[i].card.signer_id.b, sizeof(emr_id32)));
	EMR_EACH (const emr_id32, id, &ids) {
		char whole[EMR_KEY_CODE_MAX + 1];
		bool must_be_stranger = at++ >= registered;
		emr_who who;

		emr_key_code(*id, EMR_KEY_CODE_MAX, whole);
		if (strncasecmp(whole, code, len) != 0)
			continue;
		EMR_TRY(emr_who_of(crowd, *id, &who));
		if (must_be_stranger && who.is_registered)
			continue;
		list_person(&who, EMR_KEY_CODE_NAMES, out_names, names_size);
		*out_others += but == NULL || !emr_who_is_same(&who, but);
	}
	return EMR_OK;
}

static emr_status find_code(
	emr_crowd *crowd, const char *text, emr_who *out_who, char *out_names, size_t size)
{
	emr_known_person person;
	emr_who found;
	size_t n = 0;

	EMR_ASK(asked, crowd->replica, PEOPLE);
	while (emr_next(&asked, &person)) {
		if (!emr_key_code_names(person.signer_id, text) ||
			(person.row.roles & EMR_ROLE_DEVICE) != 0)
			continue;
		EMR_TRY(emr_who_of(crowd, person.signer_id, &found));
		list_person(&found, EMR_KEY_CODE_MAX, out_names, size);
		n++;
	}
	EMR_TRY(asked.status);
	if (n != 1)
		return n == 0 ? EMR_NOT_FOUND : EMR_CONFLICT;
	*out_who = found;
	return EMR_OK;
}

/* ---- what was typed ---- */

emr_status emr_who_find(
	emr_crowd *crowd, const char *text, emr_who *out_who, char *out_names, size_t names_size)
{
	size_t index = 0;
	emr_who who;
	emr_status status;

	out_names[0] = '\0';
	if (strchr(text, '@') != NULL)
		return find_at(crowd, text, out_who, out_names, names_size);
	status = emr_book_find(&crowd->book, text, &index, out_names, names_size);
	if (status == EMR_NOT_FOUND && emr_who_is_code(text))
		return find_code(crowd, text, out_who, out_names, names_size);
	if (status == EMR_NOT_FOUND)
		return emr_who_is_ok(text) ? find_at(crowd, text, out_who, out_names, names_size)
					   : EMR_NOT_FOUND;
	EMR_TRY(status);
	EMR_TRY(emr_who_of(crowd, crowd->book.people[index].card.signer_id, &who));
	if (who.is_own_word &&
		!emr_key_code_names(crowd->book.people[index].card.signer_id, text)) {
		list_person(&who, EMR_KEY_CODE_NAMES, out_names, names_size);
		return EMR_CONFLICT;
	}
	*out_who = who;
	return EMR_OK;
}

emr_status emr_who_find_or_say(
	emr_crowd *crowd, const char *text, emr_who *out_who, emr_problem *out_problem)
{
	char names[NAMES_MAX] = "";
	emr_status status = emr_who_find(crowd, text, out_who, names, sizeof names);

	if (status == EMR_NOT_FOUND)
		emr_person_unknown(&crowd->book, text, names, out_problem);
	else if (status == EMR_CONFLICT)
		emr_problem_set(
			out_problem, EMR_SAY_WHICH_PERSON, "who", text, "names", names, NULL);
	return status;
}
