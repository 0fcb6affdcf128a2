/* This file gathers, for the log, who asked for keys of records, who released them, what was
 * reported as opened, what was given and taken back, and what this person left with others, with
 * the names and versions of that time. An auditor of an organisation also sees what its staff asked
 * for, without names of records, because those are not an auditor's to know. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "contract/codes.h"
#include "share/write.h"
#include "share/left.h"
#include "sharing/sharing.h"

#include "deeds_private.h"

typedef struct gathering {
	const emr_session *session;
	emr_share *share;
	emr_crowd crowd;
	emr_openings *out;
	uint64_t since, now;
} gathering;

#define UNANSWERED_S 120 /* until then a question is not told */

void emr_told_free(emr_told *told)
{
	free(told->path);
	free(told->into);
}

void emr_openings_free(emr_openings *openings)
{
	for (size_t i = 0; i < openings->n; i++)
		emr_told_free(&openings->list[i]);
	free(openings->list);
	free(openings->people);
	emr_buf_free(&openings->own);
	emr_buf_free(&openings->staff);
	emr_buf_free(&openings->guardians);
	*openings = (emr_openings){0};
}

/* ---- people ---- */

bool openings_person(const emr_openings *o, emr_id32 id, uint64_t seq, size_t *out_who)
{
	for (size_t i = 0; i < o->n_people; i++)
		if ((emr_id32_equal(o->people[i].id, id) ||
			    emr_id32_equal(o->people[i].root, id)) &&
			emr_who_holds_at(&o->people[i], seq)) {
			*out_who = i;
			return true;
		}
	return false;
}

static emr_status find_person(
	gathering *g, emr_id32 signer, uint64_t seq, const emr_who *nameless, size_t *out_who)
{
	emr_openings *o = g->out;
	emr_who *grown;

	if (openings_person(o, signer, seq, out_who))
		return EMR_OK;
	grown = realloc(o->people, (o->n_people + 1) * sizeof *grown);
	EMR_TRY(grown != NULL ? EMR_OK : EMR_NO_MEMORY);
	o->people = grown;
	if (nameless != NULL)
		grown[o->n_people] = *nameless;
	else
		EMR_TRY(emr_who_at(&g->crowd, signer, seq, &grown[o->n_people]));
	*out_who = o->n_people++;
	return EMR_OK;
}

/* ---- openings ---- */

static emr_status add(emr_openings *o, const emr_told *one)
{
	EMR_TRY(emr_array_room(&o->list, o->n, &o->cap, sizeof *o->list));
	o->list[o->n++] = *one;
	return EMR_OK;
}

static void find_subject(const gathering *g, emr_id16 object, emr_told *one)
{
	emr_story story;
	emr_path_domain top;

	if (emr_chronicle_story(g->session->chronicle, object, &story) == EMR_OK)
		one->subject = (size_t)story.subject + 1;
	else if (g->session->view != NULL &&
		 emr_view_domain_of(g->session->view, "", &top) == EMR_OK &&
		 emr_id16_equal(object, top.own))
		one->path = strdup("/"); /* the whole folder */
}

/* The row's version is the item's; which entry it came with tells the version of the content. */
static uint64_t seq_of_item(const gathering *g, const emr_audit_entry *entry)
{
	EMR_AUTO_BUF bytes = {0};
	emr_part_key key = {.family = EMR_FAMILY_OBJECT,
		.domain = entry->domain,
		.object = entry->slot.object_id,
		.version = entry->slot.version};
	emr_replica_item item;

	if (emr_replica_item_get(g->session->replica, &key, &bytes, &item) != EMR_OK)
		return entry->seq; /* not of ours: as it was then */
	return item.seq;
}

/* Since the time in hand; what nobody has answered yet is told a moment later. */
static bool is_due(const gathering *g, const emr_audit_entry *entry)
{
	return entry->ledger_time >= g->since &&
	       (entry->kind != EMR_AUDIT_ASKED || g->now >= entry->ledger_time + UNANSWERED_S);
}

static emr_status add_opening(gathering *g, emr_audit_entry *entry, bool is_staff)
{
	emr_told one = {.opening = entry,
		.seq = entry->seq,
		.at = entry->ledger_time,
		.team = EMR_NO_TEAM,
		.is_staff = is_staff};
	emr_id32 team;

	EMR_TRY(find_person(g, entry->who, entry->seq, NULL, &one.who));
	if (!emr_id16_is_zero(entry->via)) {
		emr_grantee_dataset(entry->via.b, team.b);
		EMR_TRY(find_person(g, team, entry->seq, NULL, &one.team));
	}
	if (entry->is_readable && !is_staff)
		find_subject(g, told_is_names(&one) ? entry->domain : entry->slot.object_id, &one);
	if (entry->is_readable && !is_staff && !told_is_names(&one))
		one.content_seq = seq_of_item(g, entry);
	return add(g->out, &one);
}

static emr_status gather_own(gathering *g)
{
	EMR_AUTO_BUF domains = {0};
	uint64_t damaged;

	EMR_TRY(emr_replica_own_domains(g->session->replica, &domains));
	EMR_EACH (const emr_id16, domain, &domains) {
		size_t before = g->out->own.len;
		emr_status status = emr_share_audit(g->share, *domain, &g->out->own, &damaged);

		if (status == EMR_OK) {
			g->out->damaged += damaged;
		} else { /* kept here, and another's */
			EMR_TRY(status == EMR_DENIED || status == EMR_NOT_FOUND ? EMR_OK : status);
			g->out->own.len = before;
		}
	}
	EMR_EACH (emr_audit_entry, entry, &g->out->own)
		if (is_due(g, entry))
			EMR_TRY(add_opening(g, entry, false));
	return EMR_OK;
}

/* The facts that an auditor may know: the beginnings of numbers. */
static emr_status describe(emr_told *one, bool by_question)
{
	const emr_audit_entry *entry = one->opening;
	char domain[33], object[33];

	emr_hex(entry->domain.b, sizeof entry->domain.b, domain);
	emr_hex(entry->slot.object_id.b, sizeof entry->slot.object_id.b, object);
	if (by_question) {
		memcpy(one->folder, domain, 8);
		one->records = entry->asked;
	}
	free(one->path);
	if (told_is_names(one) || (!by_question && !entry->is_readable)
			? asprintf(&one->path, "folder %.8s of somebody", domain) < 0
		: by_question ? asprintf(&one->path, "%u record%s in folder %.8s of somebody",
					one->records, one->records == 1 ? "" : "s", domain) < 0
			      : asprintf(&one->path, "record %.8s in folder %.8s of somebody",
					object, domain) < 0)
		one->path = NULL;
	return one->path != NULL ? EMR_OK : EMR_NO_MEMORY;
}

/* Of a question one entry, or one for each record. */
static emr_status gather_staff(gathering *g, bool by_question)
{
	emr_openings *o = g->out;
	emr_audit_entry *last = NULL;
	uint64_t damaged = 0;

	EMR_TRY(emr_share_staff(g->share, &o->staff, &damaged));
	o->damaged += damaged;
	EMR_EACH (emr_audit_entry, entry, &o->staff) {
		if (!is_due(g, entry))
			continue;
		if (!by_question || last == NULL || !emr_id32_equal(last->item, entry->item)) {
			EMR_TRY(add_opening(g, entry, true));
			last = entry;
		} else if (entry->slot.kind != EMR_CAPSULE_LISTING) {
			last->slot.kind = entry->slot.kind; /* records, too */
		}
		EMR_TRY(describe(&o->list[o->n - 1], by_question));
	}
	return EMR_OK;
}

/* ---- dealings ---- */

/* Adds ONE, a dealing with the person whom it says, or with NAMELESS unless that is NULL, if it is
 * not too old. It takes what ONE owns, also after an error. */
static emr_status add_dealing(gathering *g, emr_told *one, const emr_who *nameless)
{
	emr_status status = EMR_OK;

	one->seq = one->dealing.seq;
	one->at = one->dealing.at;
	if (one->at >= g->since) {
		status = find_person(g, one->dealing.person, one->seq, nameless, &one->who);
		one->by = EMR_NO_TEAM;
		if (status == EMR_OK && !emr_id32_is_zero(one->dealing.by))
			status = find_person(g, one->dealing.by, one->seq, NULL, &one->by);
		if (status == EMR_OK)
			status = add(g->out, one);
	}
	if (status != EMR_OK || one->at < g->since)
		emr_told_free(one);
	return status;
}

static emr_status gather_dealings(gathering *g)
{
	EMR_AUTO_DEALINGS all = {0};

	EMR_TRY(emr_share_dealings(g->share, &all));
	EMR_EACH (emr_share_dealing, said, &all) {
		emr_told one = {.dealing = *said};

		one.dealing.asked = NULL;
		if (emr_rights_are_guardians(said->rights))
			EMR_TRY(emr_buf_append(
				&g->out->guardians, &said->person, sizeof said->person));
		if (said->kind == EMR_DEALING_EMERGENCY) {
			one.into = said->asked;
			said->asked = NULL; /* it is the list's now */
		}
		if (said->kind != EMR_DEALING_DENIED) {
			find_subject(g, said->domain, &one);
		} else if (said->asked != NULL && said->asked[0] != '\0') {
			one.path = said->asked;
			said->asked = NULL; /* it is the list's now */
		}
		EMR_TRY(add_dealing(g, &one, NULL));
	}
	return EMR_OK;
}

/* Whose Inbox DOMAIN is, as a card in the book says it; zero: no card here does. */
static emr_id32 owner_by_card(const emr_book *book, emr_id16 domain)
{
	for (size_t i = 0; i < book->n; i++) {
		const emr_contact *one = &book->people[i];
		emr_card inbox;

		if (emr_card_inbox_read(emr_buf_view(&one->bytes), &one->card, &inbox) == EMR_OK &&
			emr_id16_equal(inbox.domain_id, domain))
			return one->card.signer_id;
	}
	return (emr_id32){{0}};
}

static emr_status note_left(gathering *g, const emr_deposit_left *left)
{
	emr_id32 owner = emr_id32_is_zero(left->owner) ? owner_by_card(&g->crowd.book, left->domain)
						       : left->owner;
	/* One whom nothing here names is somebody, once for each domain. */
	const emr_who nameless = {.kind = EMR_WHO_PERSON,
		.id = emr_who_org_id(left->domain),
		.root = emr_who_org_id(left->domain),
		.until_seq = UINT64_MAX};
	const bool has_name = left->name[0] != '\0', is_known = !emr_id32_is_zero(owner);
	emr_told one = {.dealing = {.kind = EMR_DEALING_LEFT,
				.seq = left->seq,
				.at = left->at,
				.batch_id = left->batch_id,
				.domain = left->domain,
				.person = is_known ? owner : nameless.id},
		.type = EMR_META_FILE,
		.path = has_name ? strdup(left->name) : NULL,
		.into = strdup(left->folder),
		.bytes = left->bytes};

	if (one.into != NULL && (one.path != NULL || !has_name))
		return add_dealing(g, &one, is_known ? NULL : &nameless);
	emr_told_free(&one);
	return EMR_NO_MEMORY;
}

/* Adds what this person left in the Inboxes and folders of others; nothing of what others left. */
static emr_status gather_left(gathering *g)
{
	EMR_AUTO_BUF all = {0};
	emr_status status = emr_share_left(g->share, &all);

	EMR_EACH (const emr_deposit_left, left, &all)
		if (status == EMR_OK)
			status = note_left(g, left);
	return status == EMR_NOT_FOUND ? EMR_OK : status; /* on a ledger of one's own */
}

/* ---- order, names and versions at the time ---- */

static unsigned kind_of(const emr_told *told)
{
	return told->opening == NULL ? told->dealing.kind : EMR_DEALING_LEFT + told->opening->kind;
}

static const uint8_t *place_of(const emr_told *told)
{
	return told->opening == NULL ? told->dealing.domain.b : told->opening->slot.object_id.b;
}

static int by_number(uint64_t one, uint64_t other)
{
	return (one > other) - (one < other);
}

/* Of one entry dealings come first, and of those what was left in the order of its names. */
static int by_entry(const void *a, const void *b)
{
	const emr_told *one = a, *other = b;
	const bool is_over = one->dealing.kind == EMR_DEALING_EXPIRED;
	int order = by_number(is_over, other->dealing.kind == EMR_DEALING_EXPIRED);

	if (order == 0 && is_over)
		order = by_number(one->at, other->at);
	if (order == 0)
		order = by_number(one->seq, other->seq);
	if (order == 0)
		order = by_number(kind_of(one), kind_of(other));
	if (order == 0)
		order = memcmp(place_of(one), place_of(other), sizeof(emr_id16));
	if (order == 0 && one->opening == NULL)
		order = strcmp(
			one->path != NULL ? one->path : "", other->path != NULL ? other->path : "");
	return order;
}

/* FIRST and emr_told.next lead through what is of one subject, counted from 1, in the order of the
 * list; FIRST begins with that of no subject. */
static emr_status name_by(emr_openings *o, size_t first, const emr_event *event)
{
	const uint64_t seq = event_seq(event);

	for (emr_told *one; first != 0; first = one->next) {
		one = &o->list[first - 1];
		if (event->cver > 0 && one->content_seq > 0 && seq <= one->content_seq)
			one->cver = event->cver;
		/* A share that ended by itself has no entry of that moment. */
		if (event->path == NULL ||
			(one->dealing.kind != EMR_DEALING_EXPIRED
					? seq > one->seq
					: !event->in_annex && event->time_unix_s > one->at))
			continue;
		one->type = event->type;
		if (one->path != NULL && strcmp(one->path, event->path) == 0)
			continue;
		free(one->path);
		one->path = strdup(event->path);
		EMR_TRY(one->path != NULL ? EMR_OK : EMR_NO_MEMORY);
	}
	return EMR_OK;
}

/* Takes from the first release of that version to the same person by whom it was. */
static void find_release(const emr_openings *o, size_t first, emr_audit_entry *opened)
{
	for (const emr_told *one; first != 0; first = one->next) {
		const emr_audit_entry *by;

		one = &o->list[first - 1];
		by = one->opening;
		if (by == NULL || by->kind != EMR_AUDIT_RELEASED || told_is_names(one) ||
			!emr_id32_equal(by->who, opened->who) ||
			!emr_id16_equal(by->slot.object_id, opened->slot.object_id) ||
			by->slot.version != opened->slot.version)
			continue;
		if (by->seq < opened->seq) {
			opened->is_by_owner = by->is_by_owner;
			opened->given_count = by->given_count;
			memcpy(opened->given, by->given, sizeof opened->given);
		}
		return;
	}
}

static emr_status name_all(gathering *g)
{
	emr_openings *o = g->out;
	EMR_AUTO_FREE size_t *first = NULL;
	emr_event event;
	size_t n = 1;

	for (size_t i = 0; i < o->n; i++)
		n = o->list[i].subject >= n ? o->list[i].subject + 1 : n;
	first = calloc(n, sizeof *first);
	EMR_TRY(first != NULL ? EMR_OK : EMR_NO_MEMORY);
	for (size_t i = o->n; i-- > 0;) {
		o->list[i].next = first[o->list[i].subject];
		first[o->list[i].subject] = i + 1;
	}
	for (size_t i = 0; i < o->n; i++) {
		const emr_told *one = &o->list[i];

		if (one->opening != NULL && one->opening->kind == EMR_AUDIT_OPENED)
			find_release(o, first[one->subject], one->opening);
	}
	if (n == 1)
		return EMR_OK;
	EMR_AUTO_EVENTS events = emr_chronicle_events(g->session->chronicle);
	while (emr_events_next(&events, &event))
		if ((size_t)event.subject + 1 < n)
			EMR_TRY(name_by(o, first[(size_t)event.subject + 1], &event));
	return EMR_OK;
}

static emr_status gather(gathering *g, bool only_staff)
{
	emr_openings *o = g->out;
	emr_status status;
	size_t ignored;

	EMR_TRY(emr_crowd_open(g->session, &g->crowd));
	EMR_TRY(emr_sharing_handle(g->session, &g->share));
	EMR_TRY(only_staff ? EMR_OK : gather_own(g));
	status = gather_staff(g, only_staff);
	if (only_staff && status == EMR_NOT_FOUND) /* on no ledger of several */
		return EMR_DENIED;
	EMR_TRY(!only_staff && (status == EMR_DENIED || status == EMR_NOT_FOUND) ? EMR_OK : status);
	EMR_TRY(only_staff ? EMR_OK : gather_dealings(g));
	EMR_TRY(only_staff ? EMR_OK : gather_left(g));
	EMR_SORT(o->list, o->n, by_entry);
	EMR_TRY(name_all(g));
	for (size_t i = 0; i < o->n; i++) { /* agents, too, have names */
		const emr_audit_entry *entry = o->list[i].opening;

		for (unsigned k = 0; entry != NULL && k < entry->given_count; k++)
			EMR_TRY(find_person(g, entry->given[k], entry->seq, NULL, &ignored));
	}
	return EMR_OK;
}

emr_status emr_openings_collect(const emr_session *session, bool only_staff, uint64_t since_unix_s,
	uint64_t now_unix_s, emr_openings *out)
{
	emr_openings found = {0};
	gathering g = {.session = session, .out = &found, .since = since_unix_s, .now = now_unix_s};
	emr_status status = gather(&g, only_staff);

	emr_share_free(g.share);
	emr_crowd_close(&g.crowd);
	if (status != EMR_OK) {
		emr_openings_free(&found);
		return status;
	}
	*out = found;
	return EMR_OK;
}
