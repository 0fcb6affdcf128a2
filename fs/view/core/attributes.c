/* This file answers and sets extended attributes: the person's own, which are kept with the
 * record and listed, and what emrfs says about it (version, signature, place on the ledger), which
 * is in no list. A program that copies all attributes takes nothing along that emrfs says, and can
 * neither change it nor open a folder to others by it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/codes.h"
#include "record/derived.h"

#include "attributes.h"
#include "awaiting.h"
#include "edit.h"
#include "kind.h"
#include "node.h"
#include "owner.h"
#include "signed.h"

#define OURS "user.emrfs."
#define OUR_NAMES "user.emrfs"
#define DERIVED_KEY OURS "derived"
#define OWN_WORDS_BYTES 128 /* what sealing the owner's alone may add */

static bool is_ours(const char *name)
{
	return strncmp(name, OURS, strlen(OURS)) == 0 || strcmp(name, OUR_NAMES) == 0;
}

static emr_bytes text_bytes(const char *text)
{
	return emr_bytes_of(text, strlen(text));
}

/* ---- facts of a record of one's own ---- */

typedef struct own_subject {
	attribute_subject base;
	emr_place place;
	bool is_published, is_local, is_settled;
	bool is_derived; /* a copy for research, as far as it is here */
	bool awaits;	 /* copies of AWAITED, before the ledger hears of it */
	emr_cid awaited;
	emr_status failure;
	uint8_t refusal;
} own_subject;

static const own_subject *own_of(const attribute_subject *s)
{
	return (const own_subject *)s;
}

static emr_status say_state(const attribute_subject *base, emr_buf *out)
{
	const own_subject *s = own_of(base);
	const emr_view_options *options = &base->view->options;
	unsigned held = 1, wanted = 1;
	const emr_cid *root = s->awaits ? &s->awaited : &s->place.root;
	char text[64];

	if (s->is_local)
		return fact_text("local", out);
	if (((s->is_published && s->place.pversion != 0) || s->awaits) && options->copies != NULL)
		options->copies(options->copies_arg, root, &held, &wanted);
	if (s->failure == EMR_REFUSED)
		snprintf(text, sizeof text, "failed %s", emr_result_text(s->refusal));
	else if (s->failure != EMR_OK)
		snprintf(text, sizeof text, "failed %s", emr_status_text(s->failure));
	else if (s->is_settled)
		snprintf(text, sizeof text, "confirmed %u/%u", held, wanted);
	else if (s->awaits)
		snprintf(text, sizeof text, "pending %u/%u", held,
			emr_settle_copies_first(options->settle));
	else
		snprintf(text, sizeof text, "pending");
	return fact_text(text, out);
}

static emr_status say_tx(const attribute_subject *s, emr_buf *out)
{
	emr_replica_item item;

	EMR_TRY(emr_facts_registered(s->view->options.facts, &own_of(s)->place, &item));
	return fact_tx(&item, out);
}

/* It was signed when it was first saved, whatever ledger it is on now. */
static emr_status say_signed_at(const attribute_subject *s, emr_buf *out)
{
	const emr_place *place = &own_of(s)->place;
	emr_replica_item item;
	uint64_t at;

	EMR_TRY(emr_facts_origin(s->view->options.facts, place, &item));
	at = item.ledger_time;
	if (item.op != EMR_OP_PUT)
		EMR_TRY(signed_at(s->view, place, &at));
	return fact_time(at, out);
}

static emr_status say_signature(const attribute_subject *s, emr_buf *out)
{
	return signed_say(s->view, &own_of(s)->place, own_of(s)->is_derived, out);
}

static emr_status say_signed_by(const attribute_subject *s, emr_buf *out)
{
	return signed_say_by(s->view, &own_of(s)->place, out);
}

static emr_status say_signed_number(const attribute_subject *s, emr_buf *out)
{
	return signed_say_number(s->view, &own_of(s)->place, out);
}

static const attribute_say own_facts[FACTS] = {
	[FACT_STATE] = say_state,
	[FACT_TX] = say_tx,
	[FACT_SIGNATURE] = say_signature,
	[FACT_SIGNED_BY] = say_signed_by,
	[FACT_SIGNED_AT] = say_signed_at,
	[FACT_SIGNED_NUMBER] = say_signed_number,
};

/* ---- what is said of whatever subject ---- */

static emr_status say_id(const attribute_subject *s, emr_buf *out)
{
	return s->has_id ? fact_id(s->id, out) : EMR_NO_ATTRIBUTE;
}

static emr_status say_cid(const attribute_subject *s, emr_buf *out)
{
	return s->has_root ? fact_cid(&s->root, out) : EMR_NO_ATTRIBUTE;
}

static emr_status say_version(const attribute_subject *s, emr_buf *out)
{
	return s->has_version ? fact_number(s->cver, out) : EMR_NO_ATTRIBUTE;
}

static emr_status say_stored_bytes(const attribute_subject *s, emr_buf *out)
{
	return s->has_version ? fact_stored_bytes(s->padded, out) : EMR_NO_ATTRIBUTE;
}

static emr_status say_owner(const attribute_subject *s, emr_buf *out)
{
	return s->has_owner ? owner_say(s->view, s->owner.name, &s->owner.card, out)
			    : EMR_NO_ATTRIBUTE;
}

static emr_status say_patient(const attribute_subject *s, emr_buf *out)
{
	return s->has_owner_id ? owner_say(s->view, s->owner.name, &s->owner.card, out)
			       : EMR_NO_ATTRIBUTE;
}

static emr_status say_owner_id(const attribute_subject *s, emr_buf *out)
{
	return s->has_owner_id ? fact_owner_id(&s->owner.card, out) : EMR_NO_ATTRIBUTE;
}

static emr_status say_access(const attribute_subject *s, emr_buf *out)
{
	return s->owner.access[0] != 0 ? fact_text(s->owner.access, out) : EMR_NO_ATTRIBUTE;
}

static emr_status say_opens(const attribute_subject *s, emr_buf *out)
{
	return s->opens != NULL ? fact_text(s->opens, out) : EMR_NO_ATTRIBUTE;
}

static emr_status say_headers(const attribute_subject *s, emr_buf *out)
{
	return s->headers.kind != EMR_HEADER_NONE ? emr_headers_lines(&s->headers, out)
						  : EMR_NO_ATTRIBUTE;
}

static emr_status say_freshness(const attribute_subject *s, emr_buf *out)
{
	return fact_freshness(s->view, out);
}

static const struct computed {
	const char *name;
	attribute_say say; /* NULL: the subject's own FACT */
	attribute_fact fact;
} computed[] = {
	{OURS "id", say_id, FACTS},
	{OURS "cid", say_cid, FACTS},
	{OURS "version", say_version, FACTS},
	{OURS "state", NULL, FACT_STATE},
	{OURS "stored-bytes", say_stored_bytes, FACTS},
	{OURS "tx", NULL, FACT_TX},
	{OURS "signature", NULL, FACT_SIGNATURE},
	{OURS "signed-by", NULL, FACT_SIGNED_BY},
	{OURS "signed-at", NULL, FACT_SIGNED_AT},
	{OURS "signed-number", NULL, FACT_SIGNED_NUMBER},
	{OURS "patient", say_patient, FACTS},
	{OURS "owner", say_owner, FACTS},
	{OURS "owner-id", say_owner_id, FACTS},
	{OURS "access", say_access, FACTS},
	{OURS "opens", say_opens, FACTS},
	{OURS "headers", say_headers, FACTS},
	{OURS "freshness", say_freshness, FACTS},
};

#define COMPUTED (sizeof computed / sizeof computed[0])

const char *emr_view_attribute_name(size_t index)
{
	static const char *const others[] = {
		OURS "shared-with", KEEP_KEY, OURS "grant.WHO", CONFIRM_KEY};

	if (index < COMPUTED)
		return computed[index].name + strlen(OURS);
	index -= COMPUTED;
	return index < sizeof others / sizeof others[0] ? others[index] + strlen(OURS) : NULL;
}

emr_status attributes_say(const attribute_subject *s, const char *name, emr_buf *out)
{
	const struct computed *one = computed;
	emr_status status;

	while (one < computed + COMPUTED && strcmp(one->name, name) != 0)
		one++;
	if (one == computed + COMPUTED)
		return EMR_NO_ATTRIBUTE;
	if (one->say != NULL)
		return one->say(s, out);
	if (one->fact != FACT_STATE && !s->has_version)
		return EMR_NO_ATTRIBUTE;
	status = s->facts[one->fact](s, out);
	return status == EMR_NOT_FOUND || status == EMR_MISSING_DATA ? EMR_NO_ATTRIBUTE : status;
}

void attributes_headers(const node *n, emr_headers *out)
{
	emr_bytes value;

	*out = (emr_headers){0};
	if (emr_xattr_find(node_attributes(n), text_bytes(EMR_HEADERS_KEY), &value) == EMR_OK &&
		emr_headers_decode(value, out) != EMR_OK)
		*out = (emr_headers){0};
}

static emr_status subject_of(emr_view *view, const node *n, own_subject *out)
{
	bool is_past = kind_of(n)->is_past && n->is_published_gone;
	attribute_subject *base = &out->base;
	emr_derivation from;

	if (n->state == NODE_VIRTUAL && !is_past)
		return EMR_NO_ATTRIBUTE;
	*out = (own_subject){
		.base = {.view = view,
			.facts = own_facts,
			.has_id = true,
			.id = is_past ? node_object(n) : tree_future_id(n)},
		.place = node_place(n),
		.is_published = n->is_published || is_past,
		.is_local = (n->is_local && !(needs_settling(n) && tree_may_become(n))) ||
			    kind_is_unsent(n),
		.is_settled = is_past || (!needs_settling(n) && n->is_published),
		.is_derived = !n->content_dirty &&
			      emr_derived_mark_read(node_attributes(n), n->mtime_ns, &from),
		.failure = n->failure,
		.refusal = n->refusal,
	};
	base->has_version =
		n->type == EMR_META_FILE && out->is_published && out->place.pversion != 0;
	base->has_root = base->has_version && out->is_settled;
	base->root = out->place.root;
	base->cver = out->place.cver;
	base->padded = out->place.padded;
	attributes_headers(n, &base->headers);
	out->awaits = !is_past && !out->is_local && awaiting_root(view, n, &out->awaited);
	base->has_owner =
		kind_where(n)->whose != NULL && kind_where(n)->whose(view, n, &base->owner);
	if (!base->has_owner) {
		snprintf(base->owner.access, sizeof base->owner.access, "owner");
		base->has_owner = view->options.owner != NULL;
		if (base->has_owner)
			base->owner.card = *view->options.owner;
	}
	base->has_owner_id = base->has_owner;
	return EMR_OK;
}

/* A program that copies attributes is refused other namespaces, as it expects of many file systems.
 */
static emr_status check_name(const char *name)
{
	if (strcmp(name, "user.") == 0 || strcmp(name, OURS) == 0)
		return EMR_INVALID; /* nobody's name: no listing has it, so no copy brings it */
	return strncmp(name, "user.", strlen("user.")) == 0 ? EMR_OK : EMR_UNSUPPORTED;
}

emr_status emr_view_get_attribute(emr_view *view, uint64_t number, const char *name, emr_buf *out)
{
	const node_kind *kind;
	emr_bytes value;
	emr_status status;

	own_subject s;
	node *n;

	EMR_TRY(check_name(name));
	if (strcmp(name, OUR_NAMES) == 0) { /* for people at a terminal: a line for each */
		for (size_t i = 0; emr_view_attribute_name(i) != NULL; i++) {
			EMR_TRY(fact_text(i > 0 ? "\n" OURS : OURS, out));
			EMR_TRY(fact_text(emr_view_attribute_name(i), out));
		}
		return EMR_OK;
	}
	if (strcmp(name, CONFIRM_KEY) == 0) {
		EMR_LOCKED(&view->lock);

		n = tree_by_number(view, number);
		return n == NULL ? EMR_NOT_FOUND : confirm_say(view, n, out);
	}
	kind = kind_of_number(view, number);
	if (kind->attribute != NULL)
		return kind->attribute(view, number, name, out);
	if (strcmp(name, DERIVED_KEY) == 0)
		return fact_derived(view, number, out);
	if (view->grants->has(name))
		return view->grants->get(view, number, name, out);
	EMR_TRY(kind_learn(view, number));
	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, number);
	status = n == NULL ? EMR_NOT_FOUND : subject_of(view, n, &s);
	if (status == EMR_OK && strcmp(name, KEEP_KEY) == 0)
		status = keep_say(n, out);
	else if (status == EMR_OK && !is_ours(name)) {
		status = emr_xattr_find(node_attributes(n), text_bytes(name), &value);
		if (status == EMR_OK)
			status = emr_buf_append(out, value.data, value.len);
	}
	pthread_mutex_unlock(&view->lock);
	if (status == EMR_OK && is_ours(name) && strcmp(name, KEEP_KEY) != 0)
		status = attributes_say(&s.base, name, out);
	return status;
}

emr_status attributes_fit(const node *n, emr_bytes attributes, uint16_t count)
{
	EMR_AUTO_BUF encoded = {0};
	emr_meta meta = {.type = (emr_meta_type)n->type,
		.mode = n->mode,
		.xattrs = attributes,
		.xattr_count = count};
	char longest[EMR_NAME_MAX + 1];

	/* Room for the longest name, so that a later rename cannot fail for an attribute. */
	memset(longest, 'x', EMR_NAME_MAX);
	longest[EMR_NAME_MAX] = 0;
	meta.name = text_bytes(longest);
	meta.mime = emr_bytes_of(longest, OWN_WORDS_BYTES);
	if (node_target(n) != NULL)
		meta.target = text_bytes(n->target);
	return emr_meta_encode(&meta, &encoded);
}

static emr_status change_attribute(
	emr_view *view, node *n, emr_bytes key, emr_bytes value, bool remove)
{
	emr_buf attributes = {0};
	const int64_t now_ns = view_now_ns(view);
	uint16_t count;
	node_row row;
	emr_status status;
	edit e;

	status = emr_xattr_change(node_attributes(n), key, value, remove, &attributes, &count);
	if (status == EMR_LIMIT)
		status = EMR_ATTRIBUTE_SPACE;
	if (status == EMR_OK)
		status = attributes_fit(n, emr_buf_view(&attributes), count);
	if (status == EMR_OK && n->state == NODE_LIVE) {
		row = row_of_node(n);
		row.attributes = emr_buf_view(&attributes);
		row.flags |= ROW_META_DIRTY;
		row.change++;
		row.ctime_ns = now_ns;
		e = edit_begin(view);
		edit_put(&e, n->id, &row);
		status = edit_commit_node(&e, n);
	}
	if (status != EMR_OK) {
		emr_buf_free(&attributes);
		return status;
	}
	n->has_row = n->state == NODE_LIVE;
	n->ctime_ns = now_ns; /* no other than the row has */
	n->meta_dirty = true;
	tree_take_attributes(n, &attributes);
	mark_changed(view, n);
	return EMR_OK;
}

static emr_status find_own(emr_view *view, uint64_t number, node **out_node)
{
	node *n = tree_by_number(view, number);

	if (n == NULL)
		return EMR_NOT_FOUND;
	if (view->options.read_only)
		return EMR_READ_ONLY;
	if (kind_where(n)->prepare != NULL) {
		EMR_TRY(kind_where(n)->prepare(view, n, CHANGE_META));
	}
	if (n->state == NODE_VIRTUAL)
		return kind_of(n)->refuses != EMR_OK ? kind_of(n)->refuses : EMR_DENIED;
	*out_node = n;
	return EMR_OK;
}

/* "" takes it back. */
static emr_status set_keep(emr_view *view, uint64_t number, emr_bytes value)
{
	emr_status status;

	node_owner owner;
	node *n;

	EMR_TRY(value.len == 0 ? EMR_OK : keep_check(value));
	pthread_mutex_lock(&view->lock);
	n = tree_by_number(view, number);
	if (n != NULL && kind_where(n)->whose != NULL &&
		(shared_has(n) || kind_where(n)->whose(view, n, &owner))) {
		bool is_refused = shared_has(n) && value.len == strlen("no");

		pthread_mutex_unlock(&view->lock);
		if (is_refused) /* of what one copies there it only says what was said of the
				   original */
			kind_tell_refused(view, number, NULL, "not-yours-to-drop");
		return is_refused ? EMR_FORBIDDEN : EMR_OK;
	}
	status = find_own(view, number, &n);
	if (status == EMR_OK && (value.len == 0 || keep_differs(n, value)))
		status = change_attribute(view, n, text_bytes(KEEP_KEY), value, value.len == 0);
	pthread_mutex_unlock(&view->lock);
	return status == EMR_NO_ATTRIBUTE ? EMR_OK : status;
}

/* 64 bytes in hexadecimal digits, of the file as it is now, and the 32 of its sum. */
static emr_status set_derived(emr_view *view, uint64_t number, emr_bytes value)
{
	uint8_t mark[EMR_DERIVED_MARK_BYTES], said[sizeof(emr_derivation) + 32];
	char text[2 * sizeof said + 1] = "";
	emr_derivation from;
	emr_status status = value.len == 2 * sizeof said ? EMR_OK : EMR_INVALID;
	node *n;

	EMR_TRY(status);
	memcpy(text, value.data, value.len);
	EMR_TRY(emr_unhex(text, said, sizeof said));
	memcpy(&from, said, sizeof from);
	pthread_mutex_lock(&view->lock);
	status = find_own(view, number, &n);
	/* A version that is signed already stays as it was signed. */
	if (status == EMR_OK &&
		(n->type != EMR_META_FILE ||
			(n->is_published && !n->content_dirty &&
				(node_file(n) == NULL || node_file(n)->staging == NULL))))
		status = EMR_INVALID;
	if (status == EMR_OK) {
		emr_derived_mark(&from, n->mtime_ns, mark);
		status = change_attribute(view, n, text_bytes(EMR_DERIVED_KEY),
			emr_bytes_of(mark, sizeof mark), false);
	}
	if (status == EMR_OK)
		status = change_attribute(view, n, text_bytes(EMR_DERIVED_SUM_KEY),
			emr_bytes_of(said + sizeof from, 32), false);
	pthread_mutex_unlock(&view->lock);
	return status;
}

emr_status emr_view_set_attribute(
	emr_view *view, uint64_t number, const char *name, emr_bytes value, unsigned flags)
{
	emr_bytes old;
	emr_status status;

	bool exists;
	node *n;

	EMR_TRY(check_name(name));
	if (strcmp(name, KEEP_KEY) == 0)
		return set_keep(view, number, value);
	if (strcmp(name, DERIVED_KEY) == 0)
		return set_derived(view, number, value);
	/* Attributes of emrfs are not for others to write; refusing would make rsync -X and cp
	 * fail. */
	if (view->grants->may_set(name))
		return view->grants->set(view, number, name, value);
	if (is_ours(name))
		return EMR_OK;
	pthread_mutex_lock(&view->lock);
	status = find_own(view, number, &n);
	if (status == EMR_OK) {
		exists = emr_xattr_find(node_attributes(n), text_bytes(name), &old) == EMR_OK;
		if ((flags & EMR_ATTRIBUTE_CREATE) && exists)
			status = EMR_EXISTS;
		else if ((flags & EMR_ATTRIBUTE_REPLACE) && !exists)
			status = EMR_NO_ATTRIBUTE;
		else
			status = change_attribute(view, n, text_bytes(name), value, false);
	}
	pthread_mutex_unlock(&view->lock);
	return status;
}

emr_status emr_view_remove_attribute(emr_view *view, uint64_t number, const char *name)
{
	emr_status status;

	node *n;

	EMR_TRY(check_name(name));
	if (view->grants->may_set(name))
		return view->grants->remove(view, number, name);
	if (is_ours(name))
		return EMR_OK;
	pthread_mutex_lock(&view->lock);
	status = find_own(view, number, &n);
	if (status == EMR_OK)
		status = change_attribute(view, n, text_bytes(name), (emr_bytes){0}, true);
	pthread_mutex_unlock(&view->lock);
	return status;
}

emr_status emr_view_list_attributes(emr_view *view, uint64_t number, emr_buf *out)
{
	emr_bytes rest = {0};
	const node *n;
	emr_xattr one;

	EMR_TRY(kind_learn(view, number));
	EMR_LOCKED(&view->lock);
	n = tree_by_number(view, number);
	if (n == NULL)
		return EMR_NOT_FOUND;
	/* The kernel lets nobody read user.* of a symbolic link: what is listed could not be got
	 * (rsync -X). */
	if (n->type != EMR_META_SYMLINK)
		rest = node_attributes(n);
	while (emr_xattr_next(&rest, &one)) {
		/* Without "user." is what emrfs keeps for itself; what another's folder says of
		 * computers is nothing for a copy of it. */
		if (one.key.len < 5 || memcmp(one.key.data, "user.", 5) != 0 ||
			(shared_has(n) && one.key.len >= strlen(OURS) &&
				memcmp(one.key.data, OURS, strlen(OURS)) == 0))
			continue;
		EMR_TRY(emr_buf_append(out, one.key.data, one.key.len));
		EMR_TRY(emr_buf_append_zeros(out, 1));
	}
	return EMR_OK;
}
