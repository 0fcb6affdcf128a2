/* These tests are about shared domains inside shared domains: an inner folder or a file by itself,
 * and files inside a shared folder. */
#include "dealings_kit.h"

#include <pthread.h>

#include "contract/codes.h"

#include "agency.h"
#include "shared_private.h"

static void settle(story *s)
{
	for (int i = 0; i < 4; i++)
		kit_publish_all(&s->k);
}

static emr_id16 make_inner(story *s, const char *path)
{
	emr_domain_state whole;
	emr_id16 domain;

	assert_ok(emr_view_make_domain(s->k.view, path, &domain));
	settle(s);
	assert_ok(emr_view_domain_state(s->k.view, domain, &whole));
	assert_true(whole.is_whole);
	return domain;
}

/* All domains of ana's folder, as sharing wants them. */
static emr_nested *tree_of(story *s, size_t *out_n)
{
	EMR_AUTO_BUF list = {0};
	emr_inner_domain d;
	emr_nested *tree;

	assert_ok(emr_view_domains_below(s->k.view, (emr_id16){{0}}, &list));
	*out_n = list.len / sizeof d;
	tree = calloc(*out_n, sizeof *tree);
	assert_non_null(tree);
	for (size_t i = 0; i < *out_n; i++) {
		memcpy(&d, list.data + i * sizeof d, sizeof d);
		tree[i] = (emr_nested){.domain = d.domain, .outer = d.outer};
	}
	return tree;
}

static uint64_t tie(story *s)
{
	uint64_t changes = 0;
	size_t n;
	EMR_AUTO_FREE emr_nested *tree = tree_of(s, &n);

	assert_ok(emr_share_tie(begins(s->ana), tree, n, &changes));
	return changes;
}

typedef struct found {
	emr_id16 domain;
	emr_received received;
	size_t n, once;
} found;

/* Returns M's grants in DOMAIN; `once` is what ana sees listed there. */
static found grants_in(story *s, person *m, emr_id16 domain)
{
	EMR_AUTO_BUF all = {0};
	EMR_AUTO_BUF inner = {0}; /* grants that are listed elsewhere */
	EMR_AUTO_BUF given = {0};
	found f = {.n = 0};
	size_t n;
	EMR_AUTO_FREE emr_nested *tree = tree_of(s, &n);

	story_see(m);
	assert_ok(emr_share_received(m->share, &all, NULL));
	EMR_EACH (const emr_received, received, &all) {
		if (!emr_id16_equal(received->grant.domain, domain) ||
			received->phase != EMR_GRANT_IN_FORCE)
			continue;
		f.received = *received;
		f.n++;
	}
	assert_ok(emr_share_inner_grants(s->ana, tree, n, &inner));
	assert_ok(emr_share_given(s->ana, domain, &given));
	EMR_EACH (const emr_given, one, &given)
		f.once += one->phase == EMR_GRANT_IN_FORCE &&
			  !emr_buf_has(&inner, emr_bytes_of(&one->grant.grant, sizeof(emr_id16)));
	return f;
}

static emr_status read_in(story *s, person *m, emr_id16 domain, const char *name, const char *text)
{
	EMR_AUTO_BUF bytes = {0};
	emr_share_trouble trouble;
	emr_id16 before = s->imaging;
	found f = grants_in(s, m, domain);
	emr_status status;

	s->imaging = domain;
	status = f.n == 0 ? EMR_DENIED
			  : story_read(s, m, f.received.grant.grant, name, all_agents, &bytes,
				    &trouble);
	s->imaging = before;
	if (status == EMR_OK) {
		assert_int_equal(bytes.len, strlen(text));
		assert_memory_equal(bytes.data, text, bytes.len);
	}
	return status;
}

/* ---- by itself ---- */

typedef struct attack {
	story *s;
	emr_shared *shared;		 /* eve's, with every key that she can get */
	emr_fragment *fragments[AGENTS]; /* and what all agents hold for her */
	emr_id16 inner;
	const emr_replica_head *head;
	unsigned names, contents, inside;
} attack;

/* With every name key and every fragment that there is for her, on the bytes of the ledger. */
static void try_item(attack *a, const emr_replica_item *item)
{
	emr_part_key at = {.family = EMR_FAMILY_OBJECT,
		.domain = a->head->domain,
		.object = a->head->object,
		.version = item->version};
	EMR_AUTO_BUF part = {0};
	EMR_AUTO_BUF plain = {0};
	emr_put_part put;
	emr_meta_part meta;
	uint8_t aad[EMR_META_AAD_BYTES];
	bool has_content = item->op == EMR_OP_PUT || item->op == EMR_OP_REWRAP;

	if (item->priv_len == 0)
		return;
	assert_ok(emr_replica_part(a->s->k.stack.replica, &at, &part));
	if (has_content)
		assert_ok(emr_put_part_decode(emr_buf_view(&part), &put));
	else
		assert_ok(emr_meta_part_decode(emr_buf_view(&part), &meta));
	EMR_EACH (const held_name_key, held, &a->shared->names) {
		emr_bytes sealed = has_content ? put.meta_ct : meta.meta_ct;

		emr_buf_clear(&plain);
		assert_ok(emr_buf_append_zeros(&plain, sealed.len));
		emr_meta_aad(a->head->domain, a->head->object, item->version, item->epoch,
			has_content ? put.listkey_id : meta.listkey_id, aad);
		assert_true(emr_list_key_open_meta(held->key, a->head->object,
				    has_content ? put.nonce : meta.nonce,
				    emr_bytes_of(aad, sizeof aad), sealed, plain.data) != EMR_OK);
		a->names++;
	}
	for (int i = 0; i < AGENTS && has_content; i++) {
		emr_access_slot slot = {.object_id = a->head->object,
			.version = item->version,
			.kind = EMR_CAPSULE_CONTENT};
		uint8_t cfrag[EMR_PRE_CFRAG_BYTES];
		capsule_facts capsule;

		assert_ok(share_capsule(a->s->ana, a->head->domain, &slot, &capsule));
		assert_true(emr_fragment_convert(a->fragments[i], capsule.ctx, capsule.capsule,
				    emr_id32_random(), cfrag) != EMR_OK);
		a->contents++;
	}
}

/* Inside the inner domain there is nothing but what is shown. */
static void try_object(attack *a, const emr_replica_head *head)
{
	emr_replica_item item;

	a->head = head;
	if (emr_id16_equal(head->domain, a->inner)) {
		assert_int_equal(head->state, EMR_OBJECT_LIVE);
		assert_int_equal(head->version, 1);
		a->inside++;
		return;
	}
	EMR_ASK(asked, a->s->k.stack.replica, HISTORY, .family = EMR_FAMILY_OBJECT,
		.domain = head->domain, .object = head->object);
	while (emr_next(&asked, &item))
		try_item(a, &item);
	assert_ok(asked.status);
}

static emr_fragment *fragment_of(story *s, int i, emr_id16 domain, emr_id16 grant)
{
	char name[FRAGMENT_NAME_BYTES];
	AUTO_GRANT_FACTS facts = {0};
	emr_fragment *fragment = NULL;
	emr_row_domain row;

	agency_fragment_name(domain, grant, 1, name);
	assert_ok(share_grant_facts(s->agents[i].share, domain, grant, &facts));
	assert_ok(share_domain(s->agents[i].share, domain, &row));
	assert_ok(agency_fetch(
		s->agencies[i], name, row.owner_pk, &facts.terms, row.A, facts.read.B, &fragment));
	return fragment;
}

TEST(what_was_before_an_inner_folder_was_shared_cannot_be_opened)
{
	STORY_READ;
	attack a = {.s = &s};
	emr_grant_made made;
	emr_replica_head head;

	kit_text(&s.k, "Imaging/Old/CT.pdf", "%PDF a head, again");
	kit_text(&s.k, "Imaging/Old/gone.txt", "thrown away");
	kit_text(&s.k, "Imaging/Old/secret name.txt", "kept");
	settle(&s);
	kit_unlink(&s.k, "Imaging/Old/gone.txt");
	kit_rename(&s.k, "Imaging/Old/secret name.txt", "Imaging/Old/kept.txt");
	settle(&s);
	a.inner = make_inner(&s, "Imaging/Old");
	s.imaging = a.inner;
	made = story_share(&s, &s.eve, 0, true);
	assert_int_equal(made.epoch, 1);
	assert_int_equal(made.wrapped_again, 0); /* it has no past of its own */
	assert_ok(story_read(&s, &s.eve, made.grant, "CT.pdf", all_agents, &bytes, &trouble));
	assert_int_equal(bytes.len, strlen("%PDF a head, again"));
	assert_ok(story_read(&s, &s.eve, made.grant, "kept.txt", all_agents, &bytes, &trouble));
	assert_status(EMR_NOT_FOUND,
		story_read(&s, &s.eve, made.grant, "MRI.pdf", all_agents, &bytes, &trouble));
	assert_status(EMR_NOT_FOUND,
		story_read(&s, &s.eve, made.grant, "gone.txt", all_agents, &bytes, &trouble));
	assert_status(EMR_NOT_FOUND, story_read(&s, &s.eve, made.grant, "secret name.txt",
					     all_agents, &bytes, &trouble));
	/* And not by force. */
	a.shared = story_opened(&s, &s.eve, made.grant, all_agents);
	for (int i = 0; i < AGENTS; i++)
		a.fragments[i] = fragment_of(&s, i, a.inner, made.grant);
	EMR_ASK(asked, s.k.stack.replica, ALL_HEADS);
	while (emr_next(&asked, &head))
		try_object(&a, &head);
	assert_ok(asked.status);
	assert_int_equal(a.inside, 3); /* the folder and two files */
	assert_true(a.names >= 8);
	assert_true(a.contents >= 5 * AGENTS);
	for (int i = 0; i < AGENTS; i++)
		emr_fragment_free(a.fragments[i]);
	emr_shared_free(a.shared);
}

/* ---- inside a shared folder ---- */

TEST(a_domain_made_inside_a_shared_folder_stays_within_sight)
{
	STORY_READ;
	emr_id16 imaging = s.imaging, inner;
	emr_grant_made made = story_share(&s, &s.lima, 0, true);
	found f;

	inner = make_inner(&s, "Imaging/Old"); /* publishing carries the share there by itself */
	assert_int_equal(tie(&s), 0);
	assert_ok(read_in(&s, &s.lima, inner, "CT.pdf", "%PDF a head"));
	assert_ok(read_in(&s, &s.lima, imaging, "MRI.pdf", "%PDF a knee"));
	f = grants_in(&s, &s.lima, inner);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.once, 0); /* one share, listed once */
	assert_true(emr_received_is_inner(&f.received));
	assert_memory_equal(f.received.letter.root_dir_id.b, imaging.b, 16);
	assert_memory_equal(f.received.letter.share_id.b, made.share_id.b, 16);
	assert_int_equal(f.received.grant.row.t, 2);
	assert_string_equal(
		f.received.card.name, "Ana Silva"); /* the newest card names her at lima's */
	assert_string_equal(f.received.card.born, "1984-03-12");
	f = grants_in(&s, &s.lima, imaging);
	assert_int_equal(f.once, 1);
	assert_false(emr_received_is_inner(&f.received));
	/* Later files are seen, too, and those that are moved out are not any more. */
	kit_text(&s.k, "Imaging/Old/later.txt", "later");
	kit_mkdir(&s.k, "Private");
	kit_rename(&s.k, "Imaging/Old/CT.pdf", "Private/CT.pdf");
	settle(&s);
	assert_ok(read_in(&s, &s.lima, inner, "later.txt", "later"));
	assert_status(EMR_NOT_FOUND, read_in(&s, &s.lima, inner, "CT.pdf", ""));
}

static emr_status take_back(story *s, emr_id16 domain, const person *from, size_t *out_n)
{
	size_t n;
	EMR_AUTO_FREE emr_nested *tree = tree_of(s, &n);
	emr_status status = emr_share_revoke_below(
		begins(s->ana), tree, n, domain, from->public.signer_id, out_n);

	return status;
}

TEST(a_share_of_a_folder_reaches_all_domains_in_it_and_ends_in_all)
{
	STORY_READ;
	emr_id16 imaging = s.imaging, old, deep, file;
	size_t n = 0;

	kit_mkdir(&s.k, "Imaging/Old/deep");
	kit_text(&s.k, "Imaging/Old/deep/x.txt", "deep down");
	deep = make_inner(&s, "Imaging/Old/deep");
	old = make_inner(&s, "Imaging/Old");
	file = make_inner(&s, "Imaging/MRI.pdf");
	(void)story_share(&s, &s.lima, 0, true);
	(void)story_share(&s, &s.eve, 0, true);
	assert_int_equal(tie(&s), 6);
	assert_int_equal(tie(&s), 0);
	assert_string_equal(dealings_of(&s),
		"shared lima read, shared eve read, expired lima read, expired eve read");
	assert_ok(read_in(&s, &s.lima, deep, "x.txt", "deep down"));
	assert_ok(read_in(&s, &s.lima, old, "CT.pdf", "%PDF a head"));
	assert_ok(read_in(&s, &s.lima, file, "MRI.pdf", "%PDF a knee"));
	assert_ok(take_back(&s, imaging, &s.lima, &n));
	assert_int_equal(n, 1);
	assert_int_equal(tie(&s), 0);
	assert_int_equal(grants_in(&s, &s.lima, deep).n + grants_in(&s, &s.lima, old).n +
				 grants_in(&s, &s.lima, file).n + grants_in(&s, &s.lima, imaging).n,
		0);
	assert_ok(read_in(&s, &s.eve, deep, "x.txt", "deep down"));
	/* When only the outer one was taken back, the next start goes on. */
	assert_ok(emr_share_revoke_person(begins(s.ana), imaging, s.eve.public.signer_id, &n));
	emr_view_tie(s.k.view);
	settle(&s);
	assert_int_equal(tie(&s), 0);
	assert_status(EMR_DENIED, read_in(&s, &s.eve, deep, "x.txt", ""));
	/* Her own deeds, without what followed from them inside. */
	assert_string_equal(dealings_of(&s),
		"shared lima read, shared eve read, ended lima read, ended eve read");
}

/* ---- several at once: the clerk, the publisher and the office of one folder ---- */

typedef struct tying {
	emr_share *share;
	const emr_nested *tree;
	size_t n;
	pthread_barrier_t *start;
	uint64_t changes;
	emr_status status;
} tying;

static void *tie_at_once(void *arg)
{
	tying *t = arg;

	(void)pthread_barrier_wait(t->start);
	t->status = emr_share_tie(begins(t->share), t->tree, t->n, &t->changes);
	return NULL;
}

static void begin_another(story *s, emr_share **out)
{
	const emr_share_options options = {.keyring = s->k.stack.keyring,
		.ledger = s->k.stack.ledger,
		.replica = s->k.stack.replica,
		.records = s->k.stack.records,
		.clock = &s->k.clock.clock};

	assert_ok(emr_share_new(&options, out));
}

TEST(who_gives_on_at_the_same_time_gives_once)
{
	STORY_READ;
	emr_id16 old = make_inner(&s, "Imaging/Old");
	emr_id16 file = make_inner(&s, "Imaging/MRI.pdf");
	AUTO(pthread_barrier_destroy) pthread_barrier_t start;
	EMR_AUTO_FREE emr_nested *tree;
	tying both[2];
	pthread_t thread;
	size_t n;

	(void)story_share(&s, &s.lima, 0, true);
	tree = tree_of(&s, &n);
	assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
	for (int i = 0; i < 2; i++)
		both[i] = (tying){.share = s.ana, .tree = tree, .n = n, .start = &start};
	begin_another(&s, &both[1].share);
	assert_int_equal(pthread_create(&thread, NULL, tie_at_once, &both[1]), 0);
	(void)tie_at_once(&both[0]);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_ok(both[0].status);
	assert_ok(both[1].status);
	assert_int_equal(both[0].changes + both[1].changes, 2);
	assert_int_equal(grants_in(&s, &s.lima, old).n, 1);
	assert_int_equal(grants_in(&s, &s.lima, file).n, 1);
	emr_share_free(both[1].share);
}

TEST(what_is_given_on_while_the_share_is_taken_back_does_not_stay)
{
	STORY_READ;
	emr_id16 old = make_inner(&s, "Imaging/Old");
	AUTO(pthread_barrier_destroy) pthread_barrier_t start;
	emr_share *clerk;
	EMR_AUTO_FREE emr_nested *tree;
	pthread_t thread;
	tying publisher;
	size_t n;

	assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
	begin_another(&s, &clerk);
	tree = tree_of(&s, &n);
	for (int round = 0; round < 4; round++) {
		size_t ended = 0;

		(void)story_share(&s, &s.lima, 0, true);
		publisher = (tying){.share = s.ana, .tree = tree, .n = n, .start = &start};
		assert_int_equal(pthread_create(&thread, NULL, tie_at_once, &publisher), 0);
		(void)pthread_barrier_wait(&start);
		assert_ok(emr_share_revoke_below(
			begins(clerk), tree, n, s.imaging, s.lima.public.signer_id, &ended));
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_ok(publisher.status);
		assert_int_equal(
			grants_in(&s, &s.lima, old).n + grants_in(&s, &s.lima, s.imaging).n, 0);
	}
	emr_share_free(clerk);
}

TEST(what_a_person_took_back_inside_stays_so)
{
	STORY_READ;
	emr_id16 imaging = s.imaging, old, deep;
	size_t n = 0;

	old = make_inner(&s, "Imaging/Old");
	(void)story_share(&s, &s.lima, 0, true);
	assert_int_equal(tie(&s), 1);
	assert_ok(take_back(&s, old, &s.lima, &n));
	assert_int_equal(n, 1);
	assert_int_equal(tie(&s), 0);
	kit_mkdir(&s.k, "Imaging/Old/deep");
	deep = make_inner(&s, "Imaging/Old/deep");
	assert_int_equal(tie(&s), 0);
	assert_int_equal(grants_in(&s, &s.lima, deep).n, 0);
	assert_ok(read_in(&s, &s.lima, imaging, "MRI.pdf", "%PDF a knee"));
	(void)story_share(&s, &s.lima, 0, true); /* asked for again */
	assert_int_equal(tie(&s), 2);
	assert_ok(read_in(&s, &s.lima, old, "CT.pdf", "%PDF a head"));
	assert_string_equal(dealings_of(&s),
		"shared lima read, ended lima read inside, shared lima read, expired lima read");
}

/* ---- moving into a shared folder: who is asked about ---- */

static emr_moved look(story *s, const char *from, const char *to)
{
	const emr_move what = {.from = from, .to = to, .only_look = true};
	emr_moved moved = {0};

	assert_ok(emr_view_move(s->k.view, &what, &moved));
	return moved;
}

static void assert_gains(story *s, const char *from, const char *to, const person *who)
{
	AUTO(emr_moved_free) emr_moved moved = look(s, from, to);

	assert_int_equal(moved.gains.len, who != NULL ? sizeof(emr_id32) : 0);
	if (who != NULL)
		assert_memory_equal(moved.gains.data, who->public.signer_id.b, sizeof(emr_id32));
}

/* While ana reads who would see it, somebody who may write there changes what lies at both names.
 */
TEST(what_a_person_was_asked_about_is_moved_and_nothing_else)
{
	STORY_READ;
	emr_moved seen, moved = {0};
	emr_move what = {.from = "Bills", .to = "Box"};

	kit_mkdir(&s.k, "Bills");
	kit_mkdir(&s.k, "Box");
	kit_mkdir(&s.k, "Others");
	settle(&s);
	seen = look(&s, "Bills", "Box");
	what.seen = seen.sum;
	kit_rename(&s.k, "Bills", "Aside");
	kit_rename(&s.k, "Others", "Bills");
	assert_status(EMR_CONFLICT, emr_view_move(s.k.view, &what, &moved));
	kit_rename(&s.k, "Bills", "Others");
	kit_rename(&s.k, "Aside", "Bills");
	kit_rename(&s.k, "Box", "Aside");
	kit_rename(&s.k, "Others", "Box");
	assert_status(EMR_CONFLICT, emr_view_move(s.k.view, &what, &moved));
	kit_rename(&s.k, "Box", "Others");
	kit_rename(&s.k, "Aside", "Box");
	/* Somebody else would see it by now. */
	(void)story_share(&s, &s.lima, 0, false);
	kit_rename(&s.k, "Box", "Imaging/Box");
	settle(&s);
	what.to = "Imaging/Box";
	assert_status(EMR_CONFLICT, emr_view_move(s.k.view, &what, &moved));
	emr_moved_free(&seen);
	seen = look(&s, "Bills", "Imaging/Box");
	what.seen = seen.sum;
	assert_ok(emr_view_move(s.k.view, &what, &moved));
	emr_moved_free(&moved);
	emr_moved_free(&seen);
}

TEST(what_a_move_takes_along_is_compared_by_itself)
{
	STORY_READ;
	emr_id16 imaging = s.imaging, inner;
	emr_path_domain box;
	size_t n = 0;

	kit_mkdir(&s.k, "Bills");
	kit_mkdir(&s.k, "Box");
	kit_mkdir(&s.k, "Box/plain");
	kit_mkdir(&s.k, "Box/plain/inner");
	kit_text(&s.k, "Bills/secret.txt", "debts");
	kit_text(&s.k, "Box/plain/inner/secret.txt", "debts");
	settle(&s);
	inner = make_inner(&s, "Box/plain/inner");
	(void)story_share(&s, &s.lima, 0, true);
	assert_gains(&s, "Bills", "Imaging", &s.lima);
	assert_gains(&s, "Bills/secret.txt", "Imaging", &s.lima);
	assert_ok(emr_view_domain_of(s.k.view, "Box", &box));
	s.imaging = box.domain;
	(void)story_share(&s, &s.lima, 0, true);
	s.imaging = imaging;
	assert_int_equal(tie(&s), 1);
	assert_gains(&s, "Box", "Imaging", NULL);
	assert_gains(&s, "Box/plain", "Imaging", NULL);
	assert_ok(take_back(&s, inner, &s.lima, &n));
	assert_gains(&s, "Box/plain/inner", "Imaging", &s.lima);
	assert_gains(&s, "Box/plain", "Imaging", &s.lima);
	assert_gains(&s, "Box", "Imaging", &s.lima);
	assert_gains(&s, "Box/plain/inner", "Box", NULL);
}

TEST(more_than_before_is_a_gain)
{
	STORY_READ;
	emr_id16 imaging = s.imaging;
	struct {
		const char *path;
		uint16_t rights;
		uint32_t purposes;
		unsigned days;
		bool is_more;
	} there[] = {
		{"Same", 0, 1u << CONSULT, 7, false},
		{"Later in the day", 0, 1u << CONSULT, 8, false},
		{"Shorter", 0, 1u << CONSULT, 2, false},
		{"Longer", 0, 1u << CONSULT, 9, true},
		{"Research", 0, 1u << CONSULT | 1u << RESEARCH, 7, true},
	};
	const uint64_t now = story_now(&s);

	(void)story_share(&s, &s.lima, 0, true);
	for (size_t i = 0; i < sizeof there / sizeof *there; i++) {
		emr_path_domain d;
		emr_grant_made made;
		emr_grant_order order = {
			.rights = (uint16_t)(EMR_GRANT_LIST | EMR_GRANT_READ | there[i].rights),
			.purposes = there[i].purposes,
			.not_after_unix_s = now + there[i].days * (uint64_t)DAY};

		kit_mkdir(&s.k, there[i].path);
		settle(&s);
		assert_ok(emr_view_domain_of(s.k.view, there[i].path, &d));
		s.imaging = d.domain;
		assert_ok(story_try_share(&s, &s.lima, &order, true, &made));
		s.imaging = imaging;
		assert_gains(
			&s, "Imaging/MRI.pdf", there[i].path, there[i].is_more ? &s.lima : NULL);
		assert_gains(&s, "Imaging", there[i].path, there[i].is_more ? &s.lima : NULL);
	}
}

TESTS(NULL, NULL)
