/* When a computer of the owner turns out to be stolen, this file lists what its key said about the
 * owner's files since a day: what it saved, moved and took away, and what was done by keys that it
 * let in. It reads the ledger, where each entry has its signer, and changes nothing. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "contract/codes.h"
#include "share/devices.h"
#include "share_private.h"

/* ---- what it said ---- */

/* An entry about an object; HIS: of the computer, or of a writer whom it added. */
typedef struct deed {
	emr_id16 domain, object;
	uint64_t seq, at_unix_s, version;
	uint16_t index;
	uint8_t op;
	bool is_his, is_let_in;
} deed;

/* WRITER, the first bytes of a key, writes in DOMAIN by the word of the computer. */
typedef struct let_in {
	emr_id16 domain, writer;
} let_in;

typedef struct looking {
	emr_share *share;
	emr_id32 device;
	uint64_t since_unix_s, latest_unix_s; /* of all entries so far */
	emr_buf hers;			      /* emr_id32, ...: her computers that are in force */
	emr_buf lets;			      /* let_in, ...: as of the entry that is looked at */
	const deed *his; /* NULL: the first walk; else in the order of objects */
	size_t n_his;
	deed *all;
	size_t n, cap;
	share_reader *reader; /* of the domain that was read last */
	emr_id16 reader_of;
} looking;

static void looking_end(looking *l)
{
	emr_buf_free(&l->hers);
	emr_buf_free(&l->lets);
	free(l->all);
	share_reader_free(l->reader);
}
#define AUTO_LOOKING __attribute__((cleanup(looking_end))) looking

static emr_status note_hers(void *arg, const emr_device *device)
{
	looking *l = arg;

	return device->is_active
		       ? emr_buf_append(&l->hers, &device->signer_id, sizeof device->signer_id)
		       : EMR_OK;
}

/* NULL: nobody of that name was let in. */
static let_in *let_in_at(const looking *l, emr_id16 domain, emr_id16 writer)
{
	let_in *all = (let_in *)(void *)l->lets.data;

	for (size_t i = 0; i < l->lets.len / sizeof *all; i++)
		if (emr_id16_equal(all[i].domain, domain) && emr_id16_equal(all[i].writer, writer))
			return &all[i];
	return NULL;
}

/* A computer of hers is hers, whatever the stolen one says of its rights. */
static bool was_let_in(const looking *l, emr_id16 domain, emr_id32 signer)
{
	emr_id16 writer;

	if (emr_buf_has(&l->hers, emr_bytes_of(&signer, sizeof signer)))
		return false;
	memcpy(writer.b, signer.b, sizeof writer.b);
	return let_in_at(l, domain, writer) != NULL;
}

static bool is_his(const looking *l, const emr_replica_change *c)
{
	return emr_id32_equal(c->signer_id, l->device) || was_let_in(l, c->domain, c->signer_id);
}

/* A right is the word of who gave it last. */
static emr_status note_right(looking *l, const emr_replica_change *c)
{
	const let_in one = {.domain = c->domain, .writer = c->object};
	let_in *known = let_in_at(l, c->domain, c->object);

	if (is_his(l, c))
		return known != NULL ? EMR_OK : emr_buf_append(&l->lets, &one, sizeof one);
	if (known != NULL) {
		memcpy(known, l->lets.data + l->lets.len - sizeof one, sizeof one);
		l->lets.len -= sizeof one;
	}
	return EMR_OK;
}

static int compare_objects(const deed *x, const deed *y)
{
	int order = memcmp(x->domain.b, y->domain.b, sizeof x->domain.b);

	return order != 0 ? order : memcmp(x->object.b, y->object.b, sizeof x->object.b);
}

static int by_object(const void *a, const void *b)
{
	return compare_objects(a, b);
}

static int by_time(const void *a, const void *b)
{
	const deed *x = a, *y = b;
	int order = compare_objects(x, y);

	if (order == 0)
		order = (x->seq > y->seq) - (x->seq < y->seq);
	return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

/* The first walk takes what is his, the second what others said of the same objects. */
static bool is_wanted(const looking *l, const deed *d)
{
	if (l->his == NULL)
		return d->is_his && l->latest_unix_s >= l->since_unix_s;
	return !d->is_his && bsearch(d, l->his, l->n_his, sizeof *d, by_object) != NULL;
}

/* An entry is as late as any before it, whatever date it was given. */
static emr_status note_change(void *arg, const emr_replica_change *c)
{
	looking *l = arg;
	const deed said = {.domain = c->domain,
		.object = c->object,
		.seq = c->seq,
		.at_unix_s = c->ledger_time,
		.version = c->version,
		.index = c->index,
		.op = c->op,
		.is_his = is_his(l, c),
		.is_let_in = !emr_id32_equal(c->signer_id, l->device)};

	if (c->ledger_time > l->latest_unix_s)
		l->latest_unix_s = c->ledger_time;
	if (c->result != EMR_RESULT_APPLIED)
		return EMR_OK;
	if (c->family == EMR_FAMILY_WRITER)
		return note_right(l, c);
	if (c->family != EMR_FAMILY_OBJECT || !is_wanted(l, &said))
		return EMR_OK;
	if (emr_array_room(&l->all, l->n, &l->cap, sizeof *l->all) != EMR_OK)
		return EMR_NO_MEMORY;
	l->all[l->n++] = said;
	return EMR_OK;
}

/* The entries of the computer, and those of others about the same objects, in the order of objects
 * and entries. */
static emr_status look(looking *l)
{
	deed *his;
	emr_status status;

	EMR_TRY(emr_share_devices(l->share, note_hers, l));
	EMR_TRY(emr_replica_since(l->share->o.replica, 0, note_change, l));
	if (l->n == 0)
		return EMR_OK;
	qsort(l->all, l->n, sizeof *l->all, by_object);
	his = malloc(l->n * sizeof *his);
	if (his == NULL)
		return EMR_NO_MEMORY;
	memcpy(his, l->all, l->n * sizeof *his);
	l->his = his;
	l->n_his = l->n;
	l->lets.len = 0;
	l->latest_unix_s = 0;
	status = emr_replica_since(l->share->o.replica, 0, note_change, l);
	l->his = NULL;
	free(his);
	qsort(l->all, l->n, sizeof *l->all, by_time);
	return status;
}

/* ---- where it is ---- */

typedef struct naming {
	emr_share *share;
	emr_said *said;
	emr_id16 sought, domain; /* DOMAIN: the one that has SOUGHT */
	bool is_found;
} naming;

static void put_before(char *path, size_t size, emr_bytes name)
{
	size_t len = strlen(path), more = name.len + (len > 0);

	if (len + more >= size)
		return;
	memmove(path + more, path, len + 1);
	memcpy(path, name.data, name.len);
	if (len > 0)
		path[name.len] = '/';
}

static emr_status open_reader(looking *l, emr_id16 domain)
{
	if (l->reader != NULL && emr_id16_equal(l->reader_of, domain))
		return EMR_OK;
	share_reader_free(l->reader);
	l->reader = NULL;
	l->reader_of = domain;
	return share_reader_new(l->share, domain, &l->reader);
}

/* A file that was taken away is called as its last content was. */
static emr_status read_name(
	looking *l, emr_id16 domain, emr_id16 object, record_facts *out, bool *out_is_there)
{
	emr_replica_head head;
	emr_status status = emr_replica_head_get(l->share->o.replica, domain, object, &head);

	if (status == EMR_OK)
		status = open_reader(l, domain);
	if (status == EMR_OK && head.state == EMR_OBJECT_LIVE)
		status = share_as_it_is(l->reader, &head, out);
	else if (status == EMR_OK)
		status = share_as_said(l->reader, object, head.pversion, true, out);
	*out_is_there = status == EMR_OK;
	return emr_status_is_local(status) ? status : EMR_OK;
}

static emr_status note_domain_of(void *arg, emr_id16 domain, bool is_mine, emr_bytes d_row)
{
	naming *n = arg;
	emr_replica_head head;
	emr_status status;

	(void)d_row;
	if (!is_mine || n->is_found)
		return EMR_OK;
	status = emr_replica_head_get(n->share->o.replica, domain, n->sought, &head);
	n->is_found = status == EMR_OK && head.state == EMR_OBJECT_LIVE;
	if (n->is_found)
		n->domain = domain;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

#define STEPS 64 /* folders inside each other; what is above them is left out */

static emr_status find_path(looking *l, emr_said *said)
{
	naming n = {.share = l->share, .sought = said->object, .domain = said->domain};

	n.is_found = true;
	for (int step = 0; step < STEPS && n.is_found; step++) {
		AUTO_RECORD record = {0};
		bool is_domain = emr_id16_equal(n.sought, n.domain);

		EMR_TRY(read_name(l, n.domain, n.sought, &record, &n.is_found));
		if (!n.is_found)
			break;
		put_before(said->path, sizeof said->path, record.meta.name);
		n.sought = record.meta.parent;
		n.is_found = !is_domain;
		if (is_domain)
			EMR_TRY(emr_replica_domains(l->share->o.replica, note_domain_of, &n));
	}
	return EMR_OK;
}

static emr_status note_grant(void *arg, const emr_known_grant *known)
{
	naming *n = arg;
	emr_grant_phase phase = emr_grant_phase_at(known, share_now(n->share));

	n->said->is_shared |= phase == EMR_GRANT_IN_FORCE || phase == EMR_GRANT_COMING;
	return EMR_OK;
}

/* ---- what is told ---- */

static emr_said_kind kind_of(const deed *d)
{
	if (d->op == EMR_OP_UNLINK || d->op == EMR_OP_ERASE)
		return EMR_SAID_REMOVED;
	if (d->version == 1)
		return EMR_SAID_NEW;
	return d->op == EMR_OP_PUT ? EMR_SAID_CHANGED : EMR_SAID_MOVED;
}

/* The N DEEDS are of one object, in their order. New keys for bytes that are there are no change; a
 * file that is moved into another shared folder begins there so. */
static emr_status tell_object(looking *l, const deed *deeds, size_t n, emr_said_fn fn, void *arg)
{
	emr_said said = {.domain = deeds[0].domain, .object = deeds[0].object};
	naming seen = {.share = l->share, .said = &said};

	for (size_t i = 0; i < n; i++) {
		const deed *d = &deeds[i];

		if (d->op == EMR_OP_REWRAP && d->version != 1)
			continue;
		said.is_changed_since = !d->is_his && (said.at_unix_s != 0);
		if (!d->is_his)
			continue;
		if (said.kind != EMR_SAID_NEW || kind_of(d) == EMR_SAID_REMOVED)
			said.kind = kind_of(d);
		said.at_unix_s = d->at_unix_s;
		said.is_let_in = d->is_let_in;
	}
	if (said.at_unix_s == 0)
		return EMR_OK;
	EMR_TRY(emr_replica_grants(l->share->o.replica, said.domain, note_grant, &seen));
	EMR_TRY(find_path(l, &said));
	return fn(arg, &said);
}

static emr_status note_own(void *arg, emr_id16 domain, bool is_mine, emr_bytes d_row)
{
	(void)d_row;
	return is_mine ? emr_buf_append(arg, &domain, sizeof domain) : EMR_OK;
}

emr_status emr_share_said_by(
	emr_share *share, emr_id32 device, uint64_t since_unix_s, emr_said_fn fn, void *arg)
{
	AUTO_LOOKING l = {.share = share, .device = device, .since_unix_s = since_unix_s};
	EMR_AUTO_BUF own = {0};

	EMR_TRY(look(&l));
	EMR_TRY(emr_replica_domains(share->o.replica, note_own, &own));
	for (size_t from = 0, to; from < l.n; from = to) {
		for (to = from + 1; to < l.n && by_object(&l.all[to], &l.all[from]) == 0;)
			to++;
		if (emr_buf_has(&own, emr_bytes_of(&l.all[from].domain, sizeof l.all[from].domain)))
			EMR_TRY(tell_object(&l, &l.all[from], to - from, fn, arg));
	}
	return EMR_OK;
}
