/* The ledger reads as a history that a person can follow, whole or from where it was left. */
#include "others_kit.h"
#include "reads_kit.h"

#include "replica/follower.h"
#include "settle/chronicle.h"

AUTO_OF(emr_chronicle_free, emr_chronicle *)

typedef struct telling {
	char text[8000];
	size_t n;
} telling;

static void add(telling *t, const emr_event *e)
{
	static const char *const deeds[] = {
		"?", "made", "saved", "renamed", "changed", "deleted", "restored", "erased"};
	size_t used = strlen(t->text);

	snprintf(t->text + used, sizeof t->text - used, "%s%s %s%s%s", used > 0 ? ", " : "",
		deeds[e->deed], e->from != NULL ? e->from : "", e->from != NULL ? ">" : "",
		e->path != NULL ? e->path : "?");
	used = strlen(t->text);
	if (e->type == EMR_META_FILE && e->deed != EMR_DEED_DELETED)
		snprintf(t->text + used, sizeof t->text - used, " v%d", (int)e->cver);
	t->n++;
}

/* Without the folder's own beginnings. */
static const char *told(emr_chronicle *c, telling *t)
{
	static const char start[] = "made Inbox";
	uint64_t damaged = 99;
	emr_event event;

	*t = (telling){.n = 0};
	assert_ok(emr_chronicle_catch_up(c, &damaged));
	assert_int_equal(damaged, 0);
	EMR_AUTO_EVENTS events = emr_chronicle_events(c);
	while (emr_events_next(&events, &event))
		add(t, &event);
	assert_memory_equal(t->text, start, sizeof start - 1);
	return t->n == 1 ? "" : t->text + sizeof start + 1;
}

static void step(kit *k)
{
	kit_publish_all(k);
	kit_wait_ms(k, 2000);
}

static void live(kit *k)
{
	const emr_restore first = {.path = "Imaging/head.pdf", .cver = 1},
			  gone = {.path = "Letters/a.txt"};
	emr_restored restored;

	kit_mkdir(k, "Imaging");
	kit_text(k, "Imaging/mri.pdf", "one");
	step(k);
	kit_text(k, "Imaging/mri.pdf", "two");
	step(k);
	kit_rename(k, "Imaging/mri.pdf", "Imaging/head.pdf");
	step(k);
	assert_ok(emr_view_restore(k->view, &first, &restored));
	step(k);
	kit_mkdir(k, "Letters");
	kit_text(k, "Letters/a.txt", "x");
	step(k);
	kit_rename(k, "Imaging/head.pdf", "Letters/head.pdf");
	step(k);
	kit_unlink(k, "Letters/a.txt");
	step(k);
	assert_ok(emr_view_restore(k->view, &gone, &restored));
	step(k);
}

#define LIFE                                                                                       \
	"made Imaging, saved Imaging/mri.pdf v1, saved Imaging/mri.pdf v2, "                       \
	"renamed Imaging/mri.pdf>Imaging/head.pdf v2, restored Imaging/head.pdf v1, made "         \
	"Letters, saved Letters/a.txt v1, "                                                        \
	"renamed Imaging/head.pdf>Letters/head.pdf v1, deleted Letters/a.txt, restored "           \
	"Letters/a.txt v1"

TEST(a_life_is_told_in_order)
{
	telling t;

	SCENE(kit, k, kit_open, kit_close);
	AUTO(auto_emr_chronicle_free) emr_chronicle *c;

	live(&k);
	assert_ok(emr_chronicle_new(k.stack.facts, k.stack.replica, &c));
	assert_string_equal(told(c, &t), LIFE);
	emr_chronicle_forget(c);
	assert_string_equal(told(c, &t), LIFE);
}

TEST(what_is_new_is_added_to_what_was_told)
{
	telling t;

	SCENE(kit, k, kit_open, kit_close);
	AUTO(auto_emr_chronicle_free) emr_chronicle *c;

	assert_ok(emr_chronicle_new(k.stack.facts, k.stack.replica, &c));
	assert_string_equal(told(c, &t), "");
	kit_mkdir(&k, "Imaging");
	step(&k);
	assert_string_equal(told(c, &t), "made Imaging");
	kit_text(&k, "Imaging/a", "1");
	step(&k);
	kit_text(&k, "Imaging/b", "1");
	assert_string_equal(told(c, &t), "made Imaging, saved Imaging/a v1");
	step(&k);
	kit_rename(&k, "Imaging", "Bilder");
	step(&k);
	kit_unlink(&k, "Bilder/a");
	step(&k);
	assert_string_equal(told(c, &t),
		"made Imaging, saved Imaging/a v1, saved Imaging/b v1, renamed Imaging>Bilder, "
		"deleted Bilder/a");
}

TEST(a_mode_is_a_change_and_no_rename)
{
	const emr_attr wanted = {.mode = 0640};
	emr_attr attr;
	telling t;

	SCENE(kit, k, kit_open, kit_close);
	AUTO(auto_emr_chronicle_free) emr_chronicle *c;

	kit_mkdir(&k, "A");
	kit_text(&k, "A/x", "1");
	step(&k);
	kit_rename(&k, "A", "B");
	step(&k);
	assert_ok(
		emr_view_set_attr(k.view, kit_attr(&k, "B/x").node, EMR_SET_MODE, &wanted, &attr));
	step(&k);
	assert_ok(emr_chronicle_new(k.stack.facts, k.stack.replica, &c));
	assert_string_equal(told(c, &t), "made A, saved A/x v1, renamed A>B, changed B/x v1");
}

TEST(a_story_counts_versions_and_keeps_the_first_day)
{
	emr_record_facts facts;
	emr_story story;
	uint64_t first;

	SCENE(kit, k, kit_open, kit_close);
	AUTO(auto_emr_chronicle_free) emr_chronicle *c;

	assert_ok(emr_chronicle_new(k.stack.facts, k.stack.replica, &c));
	kit_mkdir(&k, "A");
	kit_save(&k, "A/x", "1");
	first = (uint64_t)(k.clock.unix_ns / 1000000000);
	kit_wait_ms(&k, 5000);
	kit_text(&k, "A/x", "2");
	step(&k);
	kit_mkdir(&k, "B");
	kit_rename(&k, "A/x", "B/y");
	step(&k);
	assert_ok(emr_view_record(k.view, kit_attr(&k, "B/y").node, &facts));
	assert_true(facts.is_confirmed);
	assert_status(EMR_NOT_FOUND, emr_chronicle_story(c, facts.object, &story));
	assert_ok(emr_chronicle_catch_up(c, NULL));
	assert_ok(emr_chronicle_story(c, facts.object, &story));
	assert_int_equal(story.versions, 2);
	assert_true(story.added_unix_s <= first); /* when it was saved, not when it was moved */
	assert_true(story.changed_unix_s > first);
}

/* ---- what others write ---- */

#define OTHERS EMR_MANY(200) /* what is read is counted: one more row for each is seen */

#define NEWEST 3 /* two, and the count may be rounded up */

static emr_id16 awaited; /* a domain of the owner's whose keys have not come here */

static bool is_mine(void *arg, emr_id16 domain, emr_bytes d_row)
{
	return !emr_id16_equal(domain, awaited) && emr_keyring_owns(arg, domain, d_row.data);
}

/* As a computer reads the ledger: it keeps what is its owner's. */
static emr_replica *open_copy(kit *k)
{
	emr_replica *replica;
	emr_replica_options options = {.state_dirfd = k->stack.state_dirfd,
		.ledger = k->stack.ledger,
		.is_mine = is_mine,
		.is_mine_arg = k->stack.keyring};

	assert_ok(emr_replica_open(&options, &replica));
	return replica;
}

static uint64_t cost_of(emr_chronicle *c, telling *t)
{
	uint64_t before = rows_read();

	assert_string_equal(told(c, t), "made Imaging, saved Imaging/a v1, saved Imaging/a v2");
	return rows_read() - before;
}

TEST(what_others_write_costs_the_history_nothing)
{
	telling t;
	uint64_t alone;

	SCENE(kit, k, kit_open, kit_close);
	AUTO(emr_replica_auto) emr_replica *replica;
	AUTO(auto_emr_chronicle_free) emr_chronicle *c, *fresh;

	kit_mkdir(&k, "Imaging");
	kit_text(&k, "Imaging/a", "1");
	step(&k);
	kit_text(&k, "Imaging/a", "2");
	step(&k);
	replica = open_copy(&k);
	assert_ok(emr_follow_now(replica));
	assert_ok(emr_chronicle_new(k.stack.facts, replica, &c));
	alone = cost_of(c, &t);
	others_write(&k, OTHERS);
	assert_ok(emr_follow_now(replica));
	/* And it does not begin again.  The newest entries are looked at, whosever they are. */
	assert_in_range(cost_of(c, &t), 0, alone + NEWEST);
	assert_ok(emr_chronicle_new(k.stack.facts, replica, &fresh));
	assert_in_range(cost_of(fresh, &t), 0, alone + NEWEST);
}

/* On a second computer keys come by letter, when much of the ledger has been told. */
TEST(what_becomes_ours_later_is_told_where_it_belongs)
{
	const char *id;
	telling t;

	SCENE(kit, k, kit_open, kit_close);
	AUTO(emr_replica_auto) emr_replica *replica;
	AUTO(auto_emr_chronicle_free) emr_chronicle *c;

	kit_mkdir(&k, "Imaging");
	kit_text(&k, "Imaging/a", "1");
	step(&k);
	kit_mkdir(&k, "Letters");
	kit_text(&k, "Letters/b", "1");
	step(&k);
	id = kit_attribute(&k, "Imaging", "user.emrfs.id");
	assert_ok(emr_unhex(id, awaited.b, sizeof awaited.b));
	replica = open_copy(&k);
	assert_ok(emr_follow_now(replica));
	assert_ok(emr_chronicle_new(k.stack.facts, replica, &c));
	assert_null(strstr(told(c, &t), "Imaging/a"));
	assert_non_null(strstr(t.text, "saved Letters/b v1"));
	awaited = (emr_id16){{0}}; /* and nothing has come onto the ledger since */
	assert_string_equal(told(c, &t), "made Imaging, saved Imaging/a v1, made Letters, "
					 "saved Letters/b v1");
	kit_text(&k, "Letters/c", "1");
	step(&k);
	assert_ok(emr_follow_now(replica));
	assert_string_equal(told(c, &t), "made Imaging, saved Imaging/a v1, made Letters, "
					 "saved Letters/b v1, saved Letters/c v1");
}

TESTS(NULL, NULL)
