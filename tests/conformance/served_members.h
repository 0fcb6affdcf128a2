/* A host whose histories lie in directories beside its own, and two members of it, each with a copy
 * of the ledger: for tests of what it shows them. */
#pragma once

#include "served_kit.h"

static kit k;
static kit_domain domain;

/* ---- the host, whose histories lie in directories beside its own ---- */

static void shell(const char *verb, const char *from, const char *to)
{
	assert_int_equal(system(printed("%s %s/%s %s/%s", verb, k.base, from, k.base, to)), 0);
}

static void host_keeps_a_copy(const char *name)
{
	kit_host_stop(&k);
	shell("cp -rp", "host", name);
	kit_host_start(&k);
}

/* From now on it shows what lies in NAME, and what it has shown lies in OTHER. */
static void host_shows(const char *name, const char *other)
{
	kit_host_stop(&k);
	shell("mv", "host", other);
	shell("mv", name, "host");
	kit_host_start(&k);
}

/* ---- members: each has a copy of his own ---- */

typedef struct member {
	emr_ledger *ledger;
	emr_replica *replica;
	int state_fd;
} member;

static void member_comes(member *m, const char *name)
{
	char path[200];
	emr_replica_options options = {.clock = &k.clock.clock};

	(void)snprintf(path, sizeof path, "%s/%s", k.base, name);
	(void)mkdir(path, 0700);
	assert_ok(emr_dir_open(path, &m->state_fd));
	m->ledger = kit_open(&k);
	options.state_dirfd = m->state_fd;
	options.ledger = m->ledger;
	assert_ok(emr_replica_open(&options, &m->replica));
}

static void member_goes(member *m)
{
	emr_replica_close(m->replica);
	emr_ledger_close(m->ledger);
	(void)close(m->state_fd);
}

static emr_status follow(member *m)
{
	return emr_replica_catch_up(m->replica, NULL, NULL, NULL);
}

/* Signs that M has seen what his copy has. */
static emr_status sign_and_send(member *m, emr_ledger_answer *out)
{
	emr_batch_options options = {.keyring = k.keyring,
		.signer = emr_signer_domain(domain.id, 1),
		.net_id = k.net_id};
	emr_batch_builder *b = NULL;
	emr_replica_position at;
	EMR_AUTO_BUF bytes = {0};

	assert_ok(emr_replica_at(m->replica, &at));
	options.seen_seq = at.size - 1;
	options.seen_leaf = at.last_leaf;
	assert_ok(emr_batch_new(&options, &b));
	(void)kit_put(b, &domain, emr_id16_random(), 1, (emr_id32){{0}});
	kit_finish(&k, b, &bytes);
	return emr_ledger_submit(m->ledger, emr_buf_view(&bytes), out);
}

static void save(member *m)
{
	emr_ledger_answer answer;

	assert_ok(sign_and_send(m, &answer));
	assert_int_equal(answer.refusal, 0);
	assert_ok(follow(m));
}

AROUND(begin)
{
	memset(kit_host_secret, 1, sizeof kit_host_secret);
	kit_backend_in_use = &kit_served;
	kit_new(&k);
	domain = kit_domain_new(&k);
}

AROUND_BY(end, kit_end(&k))

static member ana, rui;

/* Both have followed what the host had before it made a copy of it; from there on each saves into
 * another history.  The last one that it shows is Rui's. */
static void __attribute__((unused)) part_ways(unsigned by_ana, unsigned by_rui)
{
	member_comes(&ana, "ana");
	member_comes(&rui, "rui");
	assert_ok(follow(&ana));
	save(&ana);
	assert_ok(follow(&rui));
	host_keeps_a_copy("other");
	while (by_ana-- > 0)
		save(&ana);
	host_shows("other", "hers");
	while (by_rui-- > 0)
		save(&rui);
}

static void __attribute__((unused)) both_go(void)
{
	member_goes(&ana);
	member_goes(&rui);
}
