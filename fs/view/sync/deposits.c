/* Hospitals and clinicians may leave files in a person's Inbox without being able to read there.
 * This file decides where such a file lies and what it is called in that person's folder; it
 * believes nothing that the depositor says about name, place or permissions before it is made
 * harmless. */
#include "deposits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/log.h"
#include "contract/codes.h"
#include "contract/rows.h"
#include "keyring/card.h"
#include "keyring/coowned.h"
#include "ledger/hash.h"
#include "record/format.h"
#include "replica/rules.h"
#include "share/domain.h"
#include "share/signed.h"
#include "share/write.h"

#include "foreign.h"
#include "node.h"
#include "ops_tree.h"
#include "owner.h"

#define MODE_SHOWN 0600
#define SALT "inbox"
#define FOLDERS_MAX 4

/* ---- whose ---- */

static emr_status is_owners(
	emr_view *view, emr_id16 domain, const emr_row_domain *row, emr_id32 signer, bool *out_is)
{
	uint8_t patient_pk[32];

	EMR_TRY(emr_keyring_person_pk(view->options.keyring, patient_pk));
	return emr_signed_is_owner(
		view->options.replica, domain, row->owner_pk, patient_pk, signer, out_is);
}

emr_status deposits_is_owners(emr_view *view, emr_id16 domain, emr_id32 signer, bool *out_is)
{
	emr_row_domain row;

	EMR_TRY(emr_domain_row(view->options.replica, domain, &row));
	return is_owners(view, domain, &row, signer, out_is);
}

/* The item that describes PLACE, when somebody else than the owner signed it. */
static emr_status find_other(emr_view *view, const emr_row_domain *row, const emr_place *place,
	emr_replica_item *item, bool *out_is)
{
	emr_part_key at = emr_part_of_object(place->domain, place->object, place->version);
	EMR_AUTO_BUF bytes = {0};
	bool is_owner = true;
	emr_status status = emr_facts_item(view->options.facts, &at, &bytes, item);

	item->bytes = (emr_bytes){0};
	if (status == EMR_OK)
		status = is_owners(view, place->domain, row, item->signer_id, &is_owner);
	*out_is = !is_owner;
	return status;
}

emr_status deposits_is_one(emr_view *view, const emr_place *place, bool *out_is)
{
	emr_replica_item item;
	emr_row_domain row;
	emr_status status = emr_domain_row(view->options.replica, place->domain, &row);

	*out_is = false;
	if (status != EMR_OK || emr_id16_equal(place->object, place->domain) ||
		(place->version & EMR_VERSION_ANNEX) != 0)
		return status;
	return find_other(view, &row, place, &item, out_is);
}

/* ---- names ---- */

/* A desktop's own name would never reach the ledger here, a name with a dot is not seen, and one
 * that configures a program is changed as in a share. */
static void name_safely(
	emr_meta_type type, emr_bytes name, const char *otherwise, char out[EMR_NAME_MAX + 1])
{
	char plain[EMR_NAME_MAX + 1], room[EMR_WORDS_NAME_BYTES];

	owner_show_plainly(name, plain);
	for (char *c = plain; *c == '.' || *c == ' '; c++)
		*c = '_';
	if (plain[0] == 0 || emr_name_check(plain) != EMR_OK)
		snprintf(plain, sizeof plain, "%s", otherwise);
	name = emr_words_name(type, emr_bytes_of(plain, strlen(plain)), (emr_bytes){0}, room);
	snprintf(out, EMR_NAME_MAX + 1, "%.*s", (int)name.len, (const char *)name.data);
	if (emr_name_is_fixture(out, 0))
		snprintf(out, EMR_NAME_MAX + 1, "_%.*s_", EMR_NAME_MAX - 2, plain);
}

/* The folders that NAME begins with, into OUT; what stands behind them. */
static emr_bytes take_folders(emr_bytes name, char out[EMR_NAME_MAX + 1])
{
	const size_t between = strlen(FOREIGN_BETWEEN);
	size_t at = 0;

	for (unsigned n = 0; n < FOLDERS_MAX && at < name.len; n++) {
		const uint8_t *next =
			memmem(name.data + at, name.len - at, FOREIGN_BETWEEN, between);

		if (next == NULL)
			break;
		at = (size_t)(next - name.data) + between;
	}
	snprintf(out, EMR_NAME_MAX + 1, "%.*s", (int)at, (const char *)name.data);
	return emr_bytes_of(name.data + at, name.len - at);
}

static emr_status name_organisation(emr_view *view, struct deposit *d)
{
	EMR_AUTO_ORGANISATION org = {.name = ""};
	char id[40];
	emr_status status = emr_replica_organisation(
		view->options.replica, emr_ledger_descriptor(view->options.ledger), d->org.b, &org);

	emr_hex(d->org.b, sizeof d->org.b, id);
	name_safely(EMR_META_DIR, emr_bytes_of(org.name, strlen(org.name)), id, d->organisation);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* ---- learning ---- */

static emr_status learn(emr_view *view, arrival *a, const emr_replica_item *item, struct deposit *d)
{
	bool is_beyond = false;
	emr_known_person who;
	emr_status status = emr_replica_person(view->options.replica, item->signer_id, &who);

	if (status == EMR_OK)
		memcpy(d->org.b, who.row.org, sizeof d->org.b);
	else if (status != EMR_NOT_FOUND)
		return status;
	status = name_organisation(view, d);
	if (status != EMR_OK)
		return status;
	emr_day_of(item->ledger_time, d->day);
	name_safely(EMR_META_FILE, take_folders(a->meta.name, d->folders), "unnamed", d->name);
	d->is_hidden = a->meta.type != EMR_META_FILE || a->place.pversion == 0;
	if (!d->is_hidden)
		status = emr_facts_names_another(view->options.facts, &a->place, &d->is_hidden);
	if (status == EMR_OK && !d->is_hidden)
		status = deposits_is_beyond(view, &a->place, item, d->organisation, &is_beyond);
	d->is_hidden |= is_beyond;
	return status;
}

emr_status deposits_learn(emr_view *view, arrival *a)
{
	struct deposit *d;
	emr_replica_item item;
	emr_row_domain row;
	bool is_other = false;
	emr_status status;

	EMR_TRY(emr_domain_row(view->options.replica, a->domain, &row));
	if ((row.head.flags & EMR_ITEM_INBOX) == 0 || emr_id16_equal(a->object, a->domain))
		return EMR_OK;
	EMR_TRY(find_other(view, &row, &a->place, &item, &is_other));
	if (!is_other)
		return EMR_OK;
	d = calloc(1, sizeof *d);
	EMR_TRY_MEMORY(d);
	status = learn(view, a, &item, d);
	if (status != EMR_OK) {
		free(d);
		return status;
	}
	a->deposit = d;
	a->meta.name = emr_bytes_of(d->name, strlen(d->name));
	a->meta.mode = MODE_SHOWN;
	a->meta.xattrs = a->meta.target = (emr_bytes){0};
	a->meta.xattr_count = 0;
	return EMR_OK;
}

void deposits_forget(arrival *a)
{
	free(a->deposit);
	a->deposit = NULL;
}

/* ---- directories ---- */

/* The same on each of the owner's computers, and on nobody else's. */
static emr_status directory_id(const emr_view *view, emr_id16 domain, const struct deposit *d,
	const char *day, emr_id16 *out)
{
	const emr_bytes pieces[] = {emr_bytes_of(SALT, sizeof SALT),
		emr_bytes_of(d->org.b, sizeof d->org.b), emr_bytes_of(day, strlen(day))};
	emr_id32 hash = emr_sha256_of(pieces, sizeof pieces / sizeof pieces[0]);
	emr_id16 from = EMR_ID16_AT(hash.b);

	return emr_keyring_object_id(view->options.keyring, from, domain, out);
}

/* One that was removed leaves its number behind: the next has another. */
static bool is_free(const emr_view *view, emr_id16 domain, emr_id16 id)
{
	emr_replica_head head;

	return vacated_find(view, id) == NULL && tree_by_id(view, id) == NULL &&
	       (emr_replica_head_get(view->options.replica, domain, id, &head) != EMR_OK ||
		       head.state == EMR_OBJECT_LIVE);
}

/* As mkdir would. */
static emr_status add_directory(following *f, node *parent, const char *name, node *n)
{
	emr_view *view = f->view;
	char *copy;
	node_row row;
	edit e;
	emr_status status = tree_prepare(view, parent, name, &copy);
	telling t = {.node = parent->number, .has_name = true};

	if (status != EMR_OK)
		return status;
	n->mode = 0700;
	n->mtime_ns = n->ctime_ns = view_now_ns(view);
	n->meta_dirty = true;
	row = row_of_node(n);
	row.parent = parent->id;
	row.name = emr_bytes_of(copy, strlen(copy));
	row.change++;
	e = edit_begin(view);
	edit_put(&e, n->id, &row);
	status = edit_commit_node(&e, n);
	if (status != EMR_OK) {
		free(copy);
		return status;
	}
	n->has_row = true;
	snprintf(t.name, sizeof t.name, "%s", copy);
	tree_attach_prepared(view, parent, copy, n);
	touch_directory(view, parent);
	tree_mark_local(n);
	mark_changed(view, n);
	return emr_buf_append(&f->tell, &t, sizeof t);
}

static emr_status make_directory(
	following *f, node *parent, emr_id16 domain, emr_id16 id, const char *name, node **out)
{
	emr_view *view = f->view;
	char chosen[EMR_NAME_MAX + 1];
	node *n;
	emr_status status;

	if (!is_free(view, domain, id))
		id = emr_id16_random();
	snprintf(chosen, sizeof chosen, "%s", name);
	if (tree_child(view, parent, chosen) != NULL)
		tree_free_name(view, parent, id, name, chosen);
	EMR_TRY(tree_new_node(view, EMR_META_DIR, id, 0, &n));
	status = add_directory(f, parent, chosen, n);
	if (status != EMR_OK && n->parent == NULL)
		tree_free_node(view, n);
	if (status == EMR_OK)
		*out = n;
	return status;
}

/* The one called NAME that somebody made by that name serves as well, unless it belongs to another
 * organisation. */
static node *existing(const emr_view *view, const node *parent, emr_id16 id, const char *name)
{
	node *n = tree_by_id(view, id);

	if (n != NULL && n->type == EMR_META_DIR && n->state == NODE_LIVE && n->parent == parent)
		return n;
	if (parent->is_inbox)
		return NULL;
	n = tree_child(view, parent, name);
	return n != NULL && n->type == EMR_META_DIR && !n->is_domain ? n : NULL;
}

static emr_status need_directory(following *f, node *parent, const struct deposit *d,
	const char *day, const char *name, emr_id16 domain, node **out)
{
	emr_id16 id;

	EMR_TRY(directory_id(f->view, domain, d, day, &id));
	*out = existing(f->view, parent, id, name);
	return *out != NULL ? EMR_OK : make_directory(f, parent, domain, id, name, out);
}

/* *DIRECTORY: the day's before, and then the innermost of those that D's name says. */
static emr_status need_folders(
	following *f, const struct deposit *d, emr_id16 domain, node **directory)
{
	char path[sizeof d->day + sizeof d->folders], name[EMR_NAME_MAX + 1];

	for (const char *from = d->folders, *end; (end = strstr(from, FOREIGN_BETWEEN)) != NULL;
		from = end + strlen(FOREIGN_BETWEEN)) {
		name_safely(
			EMR_META_DIR, emr_bytes_of(from, (size_t)(end - from)), "unnamed", name);
		snprintf(path, sizeof path, "%s/%.*s", d->day, (int)(end - d->folders), d->folders);
		EMR_TRY(need_directory(f, *directory, d, path, name, domain, directory));
	}
	return EMR_OK;
}

emr_status deposits_directory(following *f, const arrival *a, node **out_directory)
{
	node *inbox = tree_by_id(f->view, a->domain), *organisation;
	const struct deposit *d = a->deposit;

	if (inbox == NULL || !inbox->is_inbox || inbox->state != NODE_LIVE)
		return EMR_NOT_FOUND;
	EMR_TRY(need_directory(f, inbox, d, "", d->organisation, a->domain, &organisation));
	EMR_TRY(need_directory(f, organisation, d, d->day, d->day, a->domain, out_directory));
	return need_folders(f, d, a->domain, out_directory);
}
