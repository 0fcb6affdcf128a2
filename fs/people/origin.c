/* This file tells where a file comes from: who signed it, of which organisation, when, and who
 * has witnessed it on the ledger. It names nobody for a file that is not on the ledger yet. */
#include "people/origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/day.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/out.h"
#include "kit/text.h"
#include "ledger/checkpoint.h"
#include "ledger/network.h"
#include "people/who.h"
#include "replica/ask.h"
#include "view/walk.h"

/* ---- whose it is ---- */

/* The organisation of the person with the key OWNER_ID; NULL: a participant of a dataset has none.
 */
static emr_status organisation_of(emr_crowd *crowd, const char *owner_id, emr_who *out)
{
	emr_id32 id;

	if (owner_id == NULL || emr_unhex(owner_id, id.b, sizeof id.b) != EMR_OK)
		return EMR_NOT_FOUND;
	return emr_who_of(crowd, id, out);
}

/* NUMBER: "NUMBER KEY" */
static const char *key_in(const char *number)
{
	const char *blank = strchr(number, ' ');

	return blank != NULL ? blank + 1 : NULL;
}

emr_status emr_origin_organisation(
	emr_crowd *crowd, emr_view *view, uint64_t node, char out[EMR_ORGANISATION_NAME_MAX + 1])
{
	EMR_AUTO_FREE char *number = NULL;
	emr_who who;
	emr_status status = emr_attribute_text(view, node, "signed-number", &number);

	if (status == EMR_OK)
		status = organisation_of(crowd, key_in(number), &who);
	if (status == EMR_OK)
		snprintf(out, sizeof who.organisation, "%s", who.organisation);
	return status;
}

/* ---- who has seen it ---- */

/* The name of the organisation of PERSON, or of PERSON, into NAMES, once. */
static emr_status add_witness(emr_crowd *crowd, const emr_known_person *person, json_t *names)
{
	emr_who who;
	json_t *name;

	EMR_TRY(emr_who_of(crowd, person->signer_id, &who));
	name = emr_json_text(who.organisation[0] != '\0' ? who.organisation : who.called);
	for (size_t i = 0; i < json_array_size(names); i++)
		if (json_equal(json_array_get(names, i), name)) {
			json_decref(name);
			return EMR_OK;
		}
	return json_array_append_new(names, name) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

static emr_status witnesses(
	const emr_session *session, emr_crowd *crowd, uint64_t entry, json_t **out)
{
	EMR_AUTO_BUF note = {0};
	emr_checkpoint head;
	emr_known_person person;
	json_auto_t *names = json_array();
	bool has_head = emr_ledger_checkpoint(session->ledger, &note) == EMR_OK &&
			emr_checkpoint_parse(emr_buf_view(&note), &head) == EMR_OK &&
			entry < head.size;

	EMR_ASK(asked, session->replica, PEOPLE);
	while (has_head && emr_next(&asked, &person))
		if (!emr_id32_equal(person.signer_id, session->identity.signer_id) &&
			emr_checkpoint_verify(&head, person.signer_id, person.row.log_pk) == EMR_OK)
			EMR_TRY(add_witness(crowd, &person, names));
	EMR_TRY(asked.status);
	*out = json_incref(names);
	return *out != NULL ? EMR_OK : EMR_NO_MEMORY;
}

/* ---- the answer ---- */

typedef struct attributes {
	char *tx, *signature, *by, *number, *at, *owner, *owner_id; /* owned; NULL: it has none */
} attributes;

static void attributes_free(const attributes *a)
{
	free(a->tx);
	free(a->signature);
	free(a->by);
	free(a->number);
	free(a->at);
	free(a->owner);
	free(a->owner_id);
}

static void read_attributes(emr_view *view, uint64_t node, attributes *a)
{
	struct {
		const char *name;
		char **to;
	} const wanted[] = {{"tx", &a->tx}, {"signature", &a->signature}, {"signed-by", &a->by},
		{"signed-number", &a->number}, {"signed-at", &a->at}, {"owner", &a->owner},
		{"owner-id", &a->owner_id}};

	EMR_AUTO_FREE char *access = NULL;

	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (emr_attribute_text(view, node, wanted[i].name, wanted[i].to) != EMR_OK)
			*wanted[i].to = NULL;
	if (emr_attribute_text(view, node, "access", &access) != EMR_OK)
		access = NULL;
	if (access != NULL && strcmp(access, "owner") == 0) {
		free(a->owner); /* the person's own: here it stands for somebody else */
		a->owner = NULL;
	}
}

/* Here, by its owner: a record that others share has one.  One that is
 * not opened yet may be a writer's. */
static bool is_own(const attributes *a)
{
	return a->owner == NULL && a->signature != NULL && strncmp(a->signature, "self", 4) == 0;
}

/* Signed by whose folder it is: the same name. */
static bool is_owners(const attributes *a)
{
	return a->by != NULL && a->by[0] != '\0' && a->owner != NULL &&
	       strcmp(a->owner, a->by) == 0;
}

/* The words behind "... at=TIME"; no name has " at=" in it. */
static const char *words_behind(const char *signature)
{
	const char *at = strstr(signature, " at=");
	const char *space = at != NULL ? strchr(at + 1, ' ') : NULL;

	return space != NULL ? space + 1 : "";
}

const char *emr_origin_note(const char *signature)
{
	static const char *const notes[] = {"superseded", "amendment gap", "amendment"};
	const char *words = words_behind(signature);

	for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
		if (strncmp(words, notes[i], strlen(notes[i])) == 0)
			return notes[i];
	return "";
}

/* True for a version that its owner moved here from where nobody here sees: the time of signing is
 * then the signer's own word, and not known before it was opened. */
static bool is_placed(const attributes *a)
{
	return a->signature != NULL ? strstr(words_behind(a->signature), "placed") != NULL
				    : a->at == NULL;
}

/* "Paula Lima, São Lucas" is a name and the organisation, which is known: a name may have a comma.
 */
static void cut_organisation(char *by, const char *organisation)
{
	size_t len = strlen(organisation) + 2, all = by != NULL ? strlen(by) : 0;

	if (len > 2 && all > len && memcmp(by + all - len, ", ", 2) == 0 &&
		strcmp(by + all - len + 2, organisation) == 0)
		by[all - len] = '\0';
}

static emr_status pack(
	const emr_session *session, const attributes *a, emr_crowd *crowd, json_t **out)
{
	uint64_t entry = a->tx != NULL ? strtoull(a->tx, NULL, 10) : 0;
	const char *id = a->tx != NULL ? strchr(a->tx, ':') : NULL;
	char verdict[24] = "unopened";
	emr_who who = {.called = ""};
	json_t *seen = NULL;
	emr_status status = is_own(a) ? emr_who_of(crowd, session->identity.signer_id, &who)
			    : a->number != NULL ? organisation_of(crowd, key_in(a->number), &who)
			    : is_owners(a)	? organisation_of(crowd, a->owner_id, &who)
						: EMR_NOT_FOUND;

	cut_organisation(a->by, who.organisation);
	if ((status == EMR_OK || status == EMR_NOT_FOUND) && id == NULL)
		status = (seen = json_array()) != NULL ? EMR_OK : EMR_NO_MEMORY;
	else if (status == EMR_OK || status == EMR_NOT_FOUND)
		status = witnesses(session, crowd, entry, &seen);
	if (status != EMR_OK)
		return status;
	if (a->signature != NULL)
		snprintf(verdict, sizeof verdict, "%.*s", (int)strcspn(a->signature, " "),
			a->signature);
	*out = json_pack("{s:b, s:o, s:o, s:s, s:s, s:s, s:b, s:I, s:s, s:o}", "own", is_own(a),
		"by",
		emr_json_text(is_own(a)	      ? session->profile.name
			      : a->by != NULL ? a->by
					      : ""),
		"organisation", emr_json_text(who.organisation), "signature", verdict, "note",
		a->signature != NULL ? emr_origin_note(a->signature) : "", "at",
		a->at != NULL ? a->at : "", "placed", is_placed(a), "entry", (json_int_t)entry,
		"tx", id != NULL ? id + 1 : "", "witnesses", seen);
	return *out != NULL ? EMR_OK : EMR_NO_MEMORY;
}

emr_status emr_origin_json(const emr_session *session, uint64_t node, json_t **out_signed)
{
	__attribute__((cleanup(attributes_free))) attributes a = {0};
	EMR_AUTO_CROWD crowd = {0};

	read_attributes(session->view, node, &a);
	/* Of a participant of a dataset nothing says which entry it was. */
	if (a.tx == NULL && (a.owner == NULL || a.owner_id != NULL))
		return EMR_NOT_FOUND;
	EMR_TRY(emr_crowd_open(session, &crowd));
	return pack(session, &a, &crowd, out_signed);
}

/* ---- for people ---- */

/* "Signed by Paula Lima, São Lucas, 20 Nov 2026 14:05: valid" */
static void put_signer(FILE *to, const json_t *signed_by)
{
	const char *verdict = emr_json_text_at(signed_by, "signature"),
		   *by = emr_json_text_at(signed_by, "by");
	bool is_own = json_is_true(json_object_get(signed_by, "own")),
	     is_unopened = strcmp(verdict, "unopened") == 0;
	const char *organisation = emr_json_text_at(signed_by, "organisation");
	char when[EMR_TEXT_BYTES], who[1200], named[EMR_ORGANISATION_NAME_MAX + 8];
	emr_day_span at;

	if (is_unopened && by[0] == '\0') {
		fputs(_("Who signed it shows once it was opened here"), to);
		return;
	}
	emr_show(is_own ? _("you") : by[0] != '\0' ? by : "?", who, sizeof who);
	fprintf(to, _("Signed by %s"), who);
	snprintf(named, sizeof named, ", %s (", organisation); /* a directory may say it already */
	if (organisation[0] != '\0' && strcmp(organisation, EMR_NETWORK_ALONE) != 0 &&
		strcmp(by, organisation) != 0 && strstr(by, named) == NULL) {
		emr_show(organisation, who, sizeof who);
		fprintf(to, ", %s", who);
	}
	if (emr_day_read(emr_json_text_at(signed_by, "at"), &at) == EMR_DAY_FINE) {
		emr_time_text((int64_t)at.first_unix_s, when);
		fprintf(to, ", %s", when);
	}
	if (is_unopened)
		fputs(_(": not checked yet, because it was not opened here"), to);
	else if (!is_own)
		fprintf(to, ": %s", emr_text_word(verdict));
}

/* Writes the note that no reader of the file may overlook. */
static void put_note(FILE *to, const json_t *signed_by)
{
	const char *note = emr_json_text_at(signed_by, "note");

	if (strcmp(note, "superseded") == 0)
		fputs(_("Superseded: somebody else has signed a newer version, and the owner put "
			"this one back on top of it.\n"
			"To its owner, emrfs restore --list PATH shows both.\n"),
			to);
	else if (strcmp(note, "amendment gap") == 0)
		fputs(_("A version is missing: this one amends an earlier one that is not here any "
			"more. Ask who signed it.\n"),
			to);
	else if (strcmp(note, "amendment") == 0)
		fputs(_("It amends an earlier version.\n"), to);
}

char *emr_origin_text(const json_t *signed_by)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (to == NULL)
		return NULL;
	put_signer(to, signed_by);
	fputs(".\n", to);
	put_note(to, signed_by);
	if (json_is_true(json_object_get(signed_by, "placed")))
		fputs(_("The owner put it here.\n"), to);
	return fclose(to) == 0 ? text : (free(text), NULL);
}
