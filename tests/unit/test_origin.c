/* When a version was signed and with which entry it came stays so wherever its owner puts it, and
 * whatever is done to its keys. */
#include "deposit_kit.h"

#include <time.h>

#include "contract/codes.h"

#define HOUR 3600u

/* The attributes of the entry that brought a version. */
typedef struct came {
	char tx[100], at[32];
} came;

/* As the item at PLACE itself says it. */
static came came_with(story *s, const emr_place *place)
{
	emr_part_key key = {.domain = place->domain,
		.object = place->object,
		.version = place->pversion,
		.family = EMR_FAMILY_OBJECT};
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	char id[65];
	time_t t;
	came is;

	assert_ok(emr_replica_item_get(s->k.stack.replica, &key, &bytes, &item));
	assert_int_equal(item.op, EMR_OP_PUT);
	emr_hex(item.batch_id.b, sizeof item.batch_id.b, id);
	(void)snprintf(is.tx, sizeof is.tx, "%llu:%s", (unsigned long long)item.seq, id);
	t = (time_t)item.ledger_time;
	(void)strftime(is.at, sizeof is.at, "%Y-%m-%dT%H:%M:%SZ", gmtime(&t));
	return is;
}

/* Whether the content at PATH stands on the ledger with another item than that which brought it. */
static bool is_wrapped_again(story *s, const char *path)
{
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	emr_part_key key = {.family = EMR_FAMILY_OBJECT};
	emr_place place;

	assert_ok(emr_view_place(s->k.view, path, &place));
	key.domain = place.domain;
	key.object = place.object;
	key.version = place.pversion;
	assert_ok(emr_replica_item_get(s->k.stack.replica, &key, &bytes, &item));
	return item.op == EMR_OP_REWRAP;
}

static void put(story *s, const char *from, const char *to)
{
	story_pass(s, HOUR);
	kit_rename(&s->k, from, to);
	kit_publish_all(&s->k);
	assert_true(is_wrapped_again(s, to));
}

static char *deposited(story *s, const char *name)
{
	static char path[400];

	(void)snprintf(path, sizeof path, "%s/%s", deposits_today(s), name);
	return path;
}

/* The attributes of INSIDE in ana's directory, at the reader's. */
static const char *read_there(depositor *d, const char *inside, const char *name)
{
	return viewer_attribute(&d->v, viewer_at(&d->v, inside), name);
}

static void opens_there(story *s, depositor *d, const char *inside, const char *text)
{
	(void)s;
	viewer_run(&d->v, owner_answers, 2);
	viewer_learn_owner(&d->v);
	(void)viewer_list(&d->v, viewer_at(&d->v, "Imaging"), owner_answers);
	assert_string_equal(viewer_text(&d->v, viewer_at(&d->v, inside), owner_answers), text);
}

/* A version that came into a folder which the reader does not see: the signer's own word for when,
 * and the owner's entry for where. */
TEST(a_reader_is_told_what_the_owner_placed_there)
{
	DEPOSIT;
	emr_place place = deposit(&d, "Findings.pdf", "%PDF all is well"), now;
	const char *says;
	char at[32], placed[100];
	came is;

	deposits_arrive(&s);
	is = came_with(&s, &place); /* the clock stands still: her word is from the same moment */
	put(&s, deposited(&s, "Findings.pdf"), "Imaging/Findings.pdf");
	assert_ok(emr_view_place(s.k.view, "Imaging/Findings.pdf", &now));
	story_pass(&s, HOUR);
	(void)story_share(&s, &s.lima, 0, false);
	viewer_run(&d.v, owner_answers, 2);
	viewer_learn_owner(&d.v);
	(void)viewer_list(&d.v, viewer_at(&d.v, "Imaging"), owner_answers);
	/* Before it was opened nobody knows who signed it: not whoever moved it. */
	(void)snprintf(placed, sizeof placed, "%s",
		read_there(&d, "Imaging/Findings.pdf", "user.emrfs.tx"));
	assert_string_not_equal(placed, is.tx);
	assert_string_equal(read_there(&d, "Imaging/Findings.pdf", "user.emrfs.signed-at"),
		"!no such attribute");
	assert_string_equal(read_there(&d, "Imaging/Findings.pdf", "user.emrfs.signed-by"),
		"!no such attribute");
	opens_there(&s, &d, "Imaging/Findings.pdf", "%PDF all is well");
	(void)snprintf(at, sizeof at, "%s", is.at);
	assert_string_equal(read_there(&d, "Imaging/Findings.pdf", "user.emrfs.tx"), placed);
	assert_string_equal(read_there(&d, "Imaging/Findings.pdf", "user.emrfs.signed-at"), at);
	assert_string_equal(read_there(&d, "Imaging/Findings.pdf", "user.emrfs.signed-by"),
		"lima.clinic, org0");
	says = read_there(&d, "Imaging/Findings.pdf", "user.emrfs.signature");
	assert_memory_equal(says, "valid", 5);
	assert_non_null(strstr(says, at));
	assert_string_equal(says + strlen(says) - strlen("Z placed"), "Z placed");
	deposit_end(&s, &d);
}

TESTS(NULL, NULL)
