/* When a computer of the owner turns out to be stolen, this file lists what its key said about the
 * owner's files since a day: what it saved, moved and took away, and what was done by keys that it
 * let in. It reads the ledger, where each entry has its signer, and changes nothing. */
#include <stdlib.h>
#include <string.h>

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
	emr_buf his;	      /* deed, ..., in the order of objects; empty: the first walk */
	emr_buf deeds;	      /* deed, ... */
	share_reader *reader; /* of the domain that was read last */
	emr_id16 reader_of;
} looking;

static void looking_end(looking *l)
{
	emr_buf_free(&l->hers);
	emr_buf_free(&l->lets);
	emr_buf_free(&l->his);
	emr_buf_free(&l->deeds);
	share_reader_free(l->reader);
}
#define AUTO_LOOKING __attribute__((cleanup(looking_end))) looking

/* NULL: nobody of that name was let in. */
static let_in *let_in_at(const looking *l, emr_id16 domain, emr_id16 writer)
{
	EMR_EACH (let_in, one, &l->lets)
		if (emr_id16_equal(one->domain, domain) && emr_id16_equal(one->writer, writer))
			return one;
	return NULL;
}

/* A computer of hers is hers, whatever the stolen one says of its rights. */
static bool was_let_in(const looking *l, emr_id16 domain, emr_id32 signer)
{
	return !emr_buf_has(&l->hers, emr_bytes_of(&signer, sizeof signer)) &&
	       let_in_at(l, domain, EMR_ID16_AT(signer.b)) != NULL;
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

static int by_object(const void *a, const void *b)
{
	const deed *x = a, *y = b;
	int order = memcmp(x->domain.b, y->domain.b, sizeof x->domain.b);

	return order != 0 ? order : memcmp(x->object.b, y->object.b, sizeof x->object.b);
}

static int by_time(const void *a, const void *b)
{
	const deed *x = a, *y = b;
	int order = by_object(a, b);

	if (order == 0)
		order = (x->seq > y->seq) - (x->seq < y->seq);
	return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

/* The first walk takes what is his, the second what others said of the same objects. */
static bool is_wanted(const looking *l, const deed *d)
{
	if (l->his.len == 0)
		return d->is_his && l->latest_unix_s >= l->since_unix_s;
	return !d->is_his &&
	       bsearch(d, l->his.data, l->his.len / sizeof *d, sizeof *d, by_object) != NULL;
}

/* An entry is as late as any before it, whatever date it was given. */
static emr_status note_change(looking *l, const emr_replica_change *c)
{
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
	return emr_buf_append(&l->deeds, &said, sizeof said);
}

static emr_status walk(looking *l)
{
	emr_replica_change change;
	EMR_ASK(changes, l->share->o.replica, SINCE);

	l->lets.len = 0;
	l->latest_unix_s = 0;
	while (emr_next(&changes, &change))
		EMR_TRY(note_change(l, &change));
	return changes.status;
}

/* The entries of the computer, and those of others about the same objects, in the order of objects
 * and entries. */
static emr_status look(looking *l)
{
	EMR_AUTO_BUF devices = {0};

	EMR_TRY(emr_share_devices(l->share, &devices));
	EMR_EACH (const emr_device, device, &devices)
		if (device->is_active)
			EMR_TRY(emr_buf_append(
				&l->hers, &device->signer_id, sizeof device->signer_id));
	EMR_TRY(walk(l));
	if (l->deeds.len == 0)
		return EMR_OK;
	qsort(l->deeds.data, l->deeds.len / sizeof(deed), sizeof(deed), by_object);
	EMR_TRY(emr_buf_append(&l->his, l->deeds.data, l->deeds.len));
	EMR_TRY(walk(l));
	qsort(l->deeds.data, l->deeds.len / sizeof(deed), sizeof(deed), by_time);
	return EMR_OK;
}

/* ---- where it is ---- */

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

/* EMR_NOT_FOUND: no domain of hers has OBJECT. */
static emr_status find_domain(emr_replica *replica, emr_id16 object, emr_id16 *out_domain)
{
	emr_known_domain known;
	EMR_ASK(domains, replica, DOMAINS);

	while (emr_next(&domains, &known)) {
		emr_replica_head head;
		emr_status status = EMR_NOT_FOUND;

		if (known.is_mine)
			status = emr_replica_head_get(replica, known.domain, object, &head);
		if (status == EMR_OK && head.state == EMR_OBJECT_LIVE) {
			*out_domain = known.domain;
			return EMR_OK;
		}
		EMR_TRY(status == EMR_NOT_FOUND ? EMR_OK : status);
	}
	return domains.status == EMR_OK ? EMR_NOT_FOUND : domains.status;
}

#define STEPS 64 /* folders inside each other; what is above them is left out */

static emr_status find_path(looking *l, emr_said *said)
{
	emr_id16 domain = said->domain, object = said->object;

	for (int step = 0; step < STEPS; step++) {
		AUTO_RECORD record = {0};
		bool is_domain = emr_id16_equal(object, domain), is_there = false;
		emr_status status = EMR_OK;

		EMR_TRY(read_name(l, domain, object, &record, &is_there));
		if (!is_there)
			break;
		put_before(said->path, sizeof said->path, record.meta.name);
		object = record.meta.parent;
		if (is_domain)
			status = find_domain(l->share->o.replica, object, &domain);
		if (status != EMR_OK)
			return status == EMR_NOT_FOUND ? EMR_OK : status;
	}
	return EMR_OK;
}

static emr_status is_shared(emr_share *share, emr_id16 domain, bool *out_is)
{
	emr_known_grant grant;
	EMR_ASK(grants, share->o.replica, GRANTS, .domain = domain);

	while (emr_next(&grants, &grant) && !*out_is) {
		emr_grant_phase phase = emr_grant_phase_at(&grant, share_now(share));

		*out_is = phase == EMR_GRANT_IN_FORCE || phase == EMR_GRANT_COMING;
	}
	return grants.status;
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
static emr_status tell_object(looking *l, const deed *deeds, size_t n, emr_buf *out)
{
	emr_said said = {.domain = deeds[0].domain, .object = deeds[0].object};

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
	EMR_TRY(is_shared(l->share, said.domain, &said.is_shared));
	EMR_TRY(find_path(l, &said));
	return emr_buf_append(out, &said, sizeof said);
}

emr_status emr_share_said_by(
	emr_share *share, emr_id32 device, uint64_t since_unix_s, emr_buf *out_said)
{
	AUTO_LOOKING l = {.share = share, .device = device, .since_unix_s = since_unix_s};
	EMR_AUTO_BUF own = {0};
	const deed *all;
	size_t n;

	EMR_TRY(look(&l));
	EMR_TRY(emr_replica_own_domains(share->o.replica, &own));
	all = (const deed *)(void *)l.deeds.data;
	n = l.deeds.len / sizeof *all;
	for (size_t from = 0, to; from < n; from = to) {
		for (to = from + 1; to < n && by_object(&all[to], &all[from]) == 0;)
			to++;
		if (emr_buf_has(&own, emr_bytes_of(&all[from].domain, sizeof all[from].domain)))
			EMR_TRY(tell_object(&l, &all[from], to - from, out_said));
	}
	return EMR_OK;
}
