/* These tests are about every operation in every state of its row, and under every standing of
 * its signer. */
#include "test_contract_kit.h"

#include "crypto/hashsig.h"

#define PUT_PART 828
#define META_PART 616
#define LISTKEY_PART 160

/* Short names, so that the tables below can be read. */
enum {
	OK = EMR_RESULT_APPLIED,
	NO = EMR_RESULT_NOT_AUTHORISED,
	GONE = EMR_RESULT_GONE,
	HAS = EMR_RESULT_EXISTS,
	DEAD = EMR_RESULT_KEY_DEAD,
	NODOM = EMR_RESULT_NO_DOMAIN,
};

/* The operations on an object; DIR is META with the flag of a directory. */
enum { PUT, META, DIR, REWRAP, UNLINK, ERASE, OBJECT_OPS };

static const char *const op_names[OBJECT_OPS] = {
	"PUT", "META", "META-dir", "REWRAP", "UNLINK", "ERASE"};

static emr_item object_item(
	const kit_world *world, int op, const uint8_t object[16], emr_span *part)
{
	static const uint8_t codes[OBJECT_OPS] = {
		EMR_OP_PUT, EMR_OP_META, EMR_OP_META, EMR_OP_REWRAP, EMR_OP_UNLINK, EMR_OP_ERASE};
	emr_item item = {.op = codes[op], .epoch = 1, .flags = op == DIR ? EMR_ITEM_NOCONTENT : 0};

	memcpy(item.domain_id, world->domain, 16);
	memcpy(item.object_id, object, 16);
	*part = kit_span(NULL, 0);
	if (op == PUT || op == REWRAP)
		*part = kit_part((uint8_t)op, PUT_PART);
	else if (op == META || op == DIR)
		*part = kit_part((uint8_t)op, META_PART);
	if (op == ERASE)
		item.epoch = 0;
	return item;
}

/* Runs OP of SIGNER on OBJECT in the world's state; the answer of the contract. */
static int answer(const kit_world *world, const char *name, const kit_signer *signer, int op,
	const uint8_t object[16])
{
	static kit_run run;
	uint8_t pub[24];
	emr_pub_erase erase = {.family = EMR_FAMILY_OBJECT, .from_version = 1};
	emr_key_text key;
	kit_batch batch;
	emr_span part, bytes;
	emr_item item = object_item(world, op, object, &part);
	int result;

	emr_key_object(world->domain, object, &key);
	kit_follow(&world->state, key.text, &item);
	erase.to_version = item.version > 1 ? item.version - 1 : 1;
	emr_pub_erase_encode(&erase, pub);
	kit_begin(&batch, signer, world->net_id);
	kit_add(&batch, item, kit_span(pub, op == ERASE ? 24 : 0), part);
	bytes = kit_end(&batch);
	kit_judge(&run, name, bytes, &world->caller, KIT_NOW, &world->state, NULL);
	result = kit_answer(&run);
	/* Refused, it leaves the batch and what was counted. */
	assert_true(result == OK ? run.outcome.writes_count > 2 : run.outcome.writes_count <= 2);
	kit_run_free(&run);
	free((void *)(uintptr_t)bytes.data);
	return result;
}

static void expect_answer(int expected, const kit_world *world, const char *name,
	const kit_signer *signer, int op, const uint8_t object[16])
{
	kit_expect(expected, answer(world, name, signer, op, object), name);
}

/* ---- states ---- */

/* clang-format off */
static const struct {
	const char *name;
	uint8_t state;	/* 0 = absent */
	uint16_t flags;
	int owner[OBJECT_OPS];
} object_states[] = {
	/*			                   PUT   META  DIR   REWRAP UNLINK ERASE */
	{ "absent", 0, 0,                        { OK,   GONE, OK,   OK,   GONE, GONE } },
	{ "live", EMR_OBJECT_LIVE, 0,            { OK,   OK,   HAS,  OK,   OK,   OK } },
	{ "unlinked", EMR_OBJECT_UNLINKED, 0,    { OK,   OK,   HAS,  OK,   GONE, OK } },
	{ "erased", EMR_OBJECT_ERASED, 0,        { GONE, GONE, GONE, GONE, GONE, GONE } },
	{ "live-dir", EMR_OBJECT_LIVE, 1,        { HAS,  OK,   OK,   HAS,  OK,   OK } },
	{ "unlinked-dir", EMR_OBJECT_UNLINKED, 1, { HAS, OK,   OK,   HAS,  GONE, OK } },
	{ "erased-dir", EMR_OBJECT_ERASED, 1,    { GONE, GONE, GONE, GONE, GONE, GONE } },
};
/* clang-format on */

TEST(every_object_operation_in_every_state)
{
	uint8_t object[16];
	kit_world world;
	char name[128];

	kit_id16("record", object);
	for (size_t s = 0; s < sizeof object_states / sizeof object_states[0]; s++) {
		for (int op = 0; op < OBJECT_OPS; op++) {
			kit_world_make(&world);
			if (object_states[s].state != 0)
				kit_put_object(&world.state, world.domain, object, &world.owner,
					object_states[s].state, object_states[s].flags, 3);
			snprintf(name, sizeof name, "%s on a row that is %s", op_names[op],
				object_states[s].name);
			expect_answer(
				object_states[s].owner[op], &world, name, &world.owner, op, object);
			kit_world_free(&world);
		}
	}
}

/* ---- standing ---- */

enum {
	NEW,
	OWN,
	FOREIGN,
	STANDS
}; /* is the object new, made by the signer, made by someone else? */

/* clang-format off */
/* With PUT META DIR REWRAP UNLINK ERASE each for a new object, one's own, and someone else's. */
static const struct standing {
	const char *name;
	uint16_t roles;		/* of the K row; 0 = none */
	uint8_t key_state;
	int key_days;		/* until not_after */
	uint8_t org_state;
	uint16_t rights;	/* of the W row; 0 = none */
	uint8_t writer_state;
	int writer_days;
	uint16_t domain_flags;
	int expected[STANDS][OBJECT_OPS];
} standings[] = {
#define NOBODY { { NO, NO, NO, NO, NO, NO }, { NO, NO, NO, NO, NO, NO }, { NO, NO, NO, NO, NO, NO } }
	{ "stranger without a key", 0, 0, 0, 1, 0, 0, 0, 0, NOBODY },
	{ "registered stranger", EMR_ROLE_HOSPITAL, 1, 9, 1, 0, 0, 0, 0, NOBODY },
	{ "put", EMR_ROLE_HOSPITAL, 1, 9, 1, EMR_RIGHT_PUT, 1, 9, 0,
		{ { OK, NO, NO, NO, NO, NO }, { OK, NO, NO, NO, NO, NO }, { NO, NO, NO, NO, NO, NO } } },
	{ "meta", EMR_ROLE_CLINICIAN, 1, 9, 1, EMR_RIGHT_META, 1, 9, 0,
		{ { NO, NO, NO, NO, GONE, NO }, { NO, OK, HAS, NO, OK, NO }, { NO, NO, NO, NO, NO, NO } } },
	{ "mkdir", EMR_ROLE_CLINICIAN, 1, 9, 1, EMR_RIGHT_MKDIR, 1, 9, 0,
		{ { NO, GONE, OK, NO, NO, NO }, { NO, NO, NO, NO, NO, NO }, { NO, NO, NO, NO, NO, NO } } },
	{ "put any", EMR_ROLE_CLINICIAN, 1, 9, 1, EMR_RIGHT_PUT | EMR_RIGHT_ANY, 1, 9, 0,
		{ { OK, NO, NO, NO, NO, NO }, { OK, NO, NO, NO, NO, NO }, { OK, NO, NO, NO, NO, NO } } },
	{ "write", EMR_ROLE_CLINICIAN, 1, 9, 1,
		EMR_RIGHT_PUT | EMR_RIGHT_META | EMR_RIGHT_MKDIR | EMR_RIGHT_ANY, 1, 9, 0,
		{ { OK, GONE, OK, NO, GONE, NO }, { OK, OK, HAS, NO, OK, NO }, { OK, OK, HAS, NO, OK, NO } } },
	{ "any alone", EMR_ROLE_CLINICIAN, 1, 9, 1, EMR_RIGHT_ANY, 1, 9, 0, NOBODY },
	{ "manager", EMR_ROLE_DEVICE, 1, 9, 1, EMR_RIGHT_MANAGE, 1, 9, 0,
		{ { OK, GONE, OK, OK, GONE, GONE }, { OK, OK, HAS, OK, OK, OK }, { OK, OK, HAS, OK, OK, OK } } },
	{ "ended manager", EMR_ROLE_DEVICE, 1, 9, 1, EMR_RIGHT_MANAGE, 2, 9, 0, NOBODY },
	{ "manager out of time", EMR_ROLE_DEVICE, 1, 9, 1, EMR_RIGHT_MANAGE, 1, 0, 0, NOBODY },
#define LATE { { DEAD, GONE, DEAD, DEAD, GONE, GONE }, { DEAD, DEAD, HAS, DEAD, DEAD, DEAD }, \
	{ DEAD, DEAD, HAS, DEAD, DEAD, DEAD } }
	{ "manager with a revoked key", EMR_ROLE_DEVICE, 3, 9, 1, EMR_RIGHT_MANAGE, 1, 9, 0, LATE },
	{ "manager with a rotated key", EMR_ROLE_DEVICE, 2, 9, 1, EMR_RIGHT_MANAGE, 1, 9, 0, LATE },
	{ "manager with an expired key", EMR_ROLE_DEVICE, 1, 0, 1, EMR_RIGHT_MANAGE, 1, 9, 0, LATE },
	{ "manager of a removed organisation", EMR_ROLE_DEVICE, 1, 9, 2, EMR_RIGHT_MANAGE, 1, 9, 0, LATE },
	{ "manager without a key", 0, 0, 0, 1, EMR_RIGHT_MANAGE, 1, 9, 0, LATE },
#define DEPOSIT { { OK, NO, NO, NO, NO, NO }, { NO, NO, NO, NO, NO, NO }, { NO, NO, NO, NO, NO, NO } }
	{ "hospital at an inbox", EMR_ROLE_HOSPITAL, 1, 9, 1, 0, 0, 0, EMR_ITEM_INBOX, DEPOSIT },
	{ "clinician at an inbox", EMR_ROLE_CLINICIAN, 1, 9, 1, 0, 0, 0, EMR_ITEM_INBOX, DEPOSIT },
	{ "patient at an inbox", EMR_ROLE_PATIENT, 1, 9, 1, 0, 0, 0, EMR_ITEM_INBOX, NOBODY },
	{ "nobody at an inbox", 0, 0, 0, 1, 0, 0, 0, EMR_ITEM_INBOX, NOBODY },
	{ "expired clinician at an inbox", EMR_ROLE_CLINICIAN, 1, 0, 1, 0, 0, 0, EMR_ITEM_INBOX,
		{ { DEAD, NO, NO, NO, NO, NO }, { NO, NO, NO, NO, NO, NO }, { NO, NO, NO, NO, NO, NO } } },
};
/* clang-format on */

static void make_standing(
	kit_world *world, const struct standing *standing, const kit_signer *signer)
{
	uint8_t org[16];

	kit_world_make(world);
	kit_id16("clinic", org);
	kit_put_org(&world->state, org, standing->org_state);
	kit_put_domain(&world->state, world->domain, &world->owner, standing->domain_flags, 1);
	kit_put_listkey(&world->state, world->domain, signer, 1);
	if (standing->roles != 0)
		kit_put_key(&world->state, signer, org, standing->roles, EMR_HOW_CERTIFICATE,
			standing->key_state, KIT_NOW + (uint64_t)standing->key_days * KIT_DAY);
	if (standing->rights != 0)
		kit_put_writer(&world->state, world->domain, signer, standing->rights,
			standing->writer_state,
			KIT_NOW + (uint64_t)standing->writer_days * KIT_DAY);
}

TEST(every_object_operation_under_every_standing)
{
	static const char *const stands[STANDS] = {"new", "own", "foreign"};
	kit_signer signer = kit_signer_of("dr lima"), other = kit_signer_of("dr ota");
	uint8_t object[16];
	kit_world world;
	char name[128];

	kit_id16("record", object);
	for (size_t s = 0; s < sizeof standings / sizeof standings[0]; s++) {
		for (int stand = 0; stand < STANDS; stand++) {
			for (int op = 0; op < OBJECT_OPS; op++) {
				make_standing(&world, &standings[s], &signer);
				if (stand != NEW)
					kit_put_object(&world.state, world.domain, object,
						stand == OWN ? &signer : &other, EMR_OBJECT_LIVE, 0,
						2);
				snprintf(name, sizeof name, "%s of a %s object by: %s",
					op_names[op], stands[stand], standings[s].name);
				expect_answer(standings[s].expected[stand][op], &world, name,
					&signer, op, object);
				kit_world_free(&world);
			}
		}
	}
}

static bool manages(const struct standing *is)
{
	return (is->rights & EMR_RIGHT_MANAGE) != 0 && is->writer_state == 1 && is->writer_days > 0;
}

/* The object that is the domain: its name, its place and its rules are for managers, whoever made
 * it.  Once it has content it is a file that is shared by itself, and its bytes are as those of any
 * other file, but for who deposits. */
TEST(only_a_manager_touches_the_root_of_a_domain_but_for_the_bytes_of_a_file)
{
	static const char *const stands[STANDS] = {"new", "own", "foreign"};
	kit_signer signer = kit_signer_of("dr lima"), other = kit_signer_of("dr ota");
	kit_world world;
	char name[128];

	for (size_t s = 0; s < sizeof standings / sizeof standings[0]; s++) {
		const struct standing *is = &standings[s];

		for (int stand = 0; stand < STANDS; stand++)
			for (int op = 0; op < OBJECT_OPS; op++) {
				bool is_as_any = manages(is) || (op == PUT && stand != NEW);

				make_standing(&world, is, &signer);
				if (stand != NEW)
					kit_put_object(&world.state, world.domain, world.domain,
						stand == OWN ? &signer : &other, EMR_OBJECT_LIVE, 0,
						2);
				snprintf(name, sizeof name, "%s of a %s root by: %s", op_names[op],
					stands[stand], is->name);
				expect_answer(is_as_any ? is->expected[stand][op] : NO, &world,
					name, &signer, op, world.domain);
				kit_world_free(&world);
			}
	}
}

TEST(nobody_but_a_manager_touches_a_root_that_is_a_directory)
{
	static const int of_managers[OBJECT_OPS] = {HAS, OK, OK, HAS, OK, OK};
	kit_signer signer = kit_signer_of("dr lima"), other = kit_signer_of("dr ota");
	kit_world world;
	char name[128];

	for (size_t s = 0; s < sizeof standings / sizeof standings[0]; s++) {
		const struct standing *is = &standings[s];
		bool has_dead_key = manages(is) && is->expected[NEW][PUT] != OK;

		for (int stand = OWN; stand < STANDS && !has_dead_key; stand++)
			for (int op = 0; op < OBJECT_OPS; op++) {
				make_standing(&world, is, &signer);
				kit_put_object(&world.state, world.domain, world.domain,
					stand == OWN ? &signer : &other, EMR_OBJECT_LIVE,
					EMR_ITEM_NOCONTENT, 2);
				snprintf(name, sizeof name,
					"%s of a root that is %s directory by: %s", op_names[op],
					stand == OWN ? "his own" : "another's", is->name);
				expect_answer(manages(is) ? of_managers[op] : NO, &world, name,
					&signer, op, world.domain);
				kit_world_free(&world);
			}
	}
}

TEST(a_writer_does_not_bring_back_a_root_that_was_removed)
{
	kit_signer signer = kit_signer_of("dr lima");
	AUTO(kit_world_free) kit_world world;

	make_standing(&world, &standings[6], &signer); /* write */
	kit_put_object(
		&world.state, world.domain, world.domain, &world.owner, EMR_OBJECT_UNLINKED, 0, 2);
	expect_answer(
		GONE, &world, "PUT by a writer on an unlinked root", &signer, PUT, world.domain);
	expect_answer(OK, &world, "PUT by the owner on an unlinked root", &world.owner, PUT,
		world.domain);
}

TEST(a_writer_may_not_undelete)
{
	kit_signer signer = kit_signer_of("dr lima");
	uint8_t object[16];
	AUTO(kit_world_free) kit_world world;

	kit_id16("record", object);
	make_standing(&world, &standings[6], &signer); /* write */
	kit_put_object(&world.state, world.domain, object, &signer, EMR_OBJECT_UNLINKED, 0, 2);
	expect_answer(
		GONE, &world, "META by a writer on his unlinked object", &signer, META, object);
	expect_answer(OK, &world, "PUT by a writer on his unlinked object", &signer, PUT, object);
}

TEST(a_name_needs_the_signers_listing_key)
{
	uint8_t object[16], listkey[16];
	emr_key_text key;
	AUTO(kit_world_free) kit_world world;

	kit_id16("record", object);
	kit_world_make(&world);
	kit_put_object(&world.state, world.domain, object, &world.owner, EMR_OBJECT_LIVE, 0, 2);
	emr_object_listkey(world.owner.id, 1, listkey);
	emr_key_listkey(world.domain, listkey, &key);
	kit_delete(&world.state, key.text);
	expect_answer(DEAD, &world, "PUT without a listing key", &world.owner, PUT, object);
	expect_answer(DEAD, &world, "META without a listing key", &world.owner, META, object);
	expect_answer(DEAD, &world, "REWRAP without a listing key", &world.owner, REWRAP, object);
	expect_answer(OK, &world, "UNLINK without a listing key", &world.owner, UNLINK, object);
}

TEST(nothing_happens_in_a_domain_that_is_not_there)
{
	uint8_t object[16];
	emr_key_text key;
	AUTO(kit_world_free) kit_world world;

	kit_id16("record", object);
	kit_world_make(&world);
	emr_key_domain(world.domain, &key);
	kit_delete(&world.state, key.text);
	for (int op = 0; op < OBJECT_OPS; op++)
		kit_expect(NODOM, answer(&world, "no such domain", &world.owner, op, object),
			op_names[op]);
}

/* The operations beside objects that a standing may do: EPOCH and LISTKEY. */
TEST(epochs_and_listing_keys_under_every_standing)
{
	static const struct {
		int epoch, listkey;
	} expected[] = {
		{NO, NO},
		{NO, NO},
		{NO, OK},
		{NO, NO},
		{NO, NO},
		{NO, OK},
		{NO, OK},
		{NO, NO},
		{OK, OK},
		{NO, NO},
		{NO, NO},
		{DEAD, DEAD},
		{DEAD, DEAD},
		{DEAD, DEAD},
		{DEAD, DEAD},
		{DEAD, DEAD},
		{NO, OK},
		{NO, OK},
		{NO, NO},
		{NO, NO},
		{NO, DEAD},
	};
	kit_signer signer = kit_signer_of("dr lima");
	uint8_t A[32] = {7}, object[16];
	emr_key_text key;
	kit_world world;
	emr_item item;
	char name[128];

	assert_int_equal(
		sizeof expected / sizeof expected[0], sizeof standings / sizeof standings[0]);
	for (size_t s = 0; s < sizeof standings / sizeof standings[0]; s++) {
		make_standing(&world, &standings[s], &signer);
		item = kit_domain_item(&world, EMR_OP_EPOCH, 2);
		snprintf(name, sizeof name, "EPOCH by: %s", standings[s].name);
		kit_expect_item(expected[s].epoch, &world, name, &signer, item, kit_span(A, 32),
			kit_part(1, 113), NULL);
		item = kit_domain_item(&world, EMR_OP_LISTKEY, 1);
		emr_object_listkey(signer.id, 1, object);
		memcpy(item.object_id, object, 16);
		emr_key_listkey(world.domain, object, &key);
		kit_follow(&world.state, key.text, &item);
		snprintf(name, sizeof name, "LISTKEY by: %s", standings[s].name);
		kit_expect_item(expected[s].listkey, &world, name, &signer, item, kit_span(NULL, 0),
			kit_part(2, LISTKEY_PART), NULL);
		kit_world_free(&world);
	}
}

/* The W row stands under half of the writer's id; the other half must be his too. */
TEST(half_an_id_is_no_writer)
{
	kit_signer signer = kit_signer_of("dr lima"), twin = signer;
	uint8_t object[16];
	AUTO(kit_world_free) kit_world world;

	kit_id16("record", object);
	make_standing(&world, &standings[8], &signer); /* manager */
	twin.id[31] ^= 1;
	kit_put_writer(&world.state, world.domain, &twin, EMR_RIGHT_MANAGE, 1, KIT_NOW + KIT_DAY);
	expect_answer(NO, &world, "PUT by half an id", &signer, PUT, object);
}

TESTS(NULL, NULL)
