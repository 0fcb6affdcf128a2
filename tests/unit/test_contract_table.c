/* Every operation in every state of its row, and under every standing of its signer. */
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
	assert_true(result == OK ? run.outcome.writes_count > 1 : run.outcome.writes_count <= 1);
	kit_run_free(&run);
	free((void *)(uintptr_t)bytes.data);
	return result;
}

static void expect(int expected, int got, const char *name)
{
	if (expected != got)
		fail_msg("%s: expected %s (%d), got %s (%d)", name,
			emr_result_text((uint8_t)expected), expected,
			got >= 1000 ? "refusal" : emr_result_text((uint8_t)got), got);
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

static void every_object_operation_in_every_state(void **state)
{
	uint8_t object[16];
	kit_world world;
	char name[128];

	(void)state;
	kit_id16("record", object);
	for (size_t s = 0; s < sizeof object_states / sizeof object_states[0]; s++) {
		for (int op = 0; op < OBJECT_OPS; op++) {
			kit_world_make(&world);
			if (object_states[s].state != 0)
				kit_put_object(&world.state, world.domain, object, &world.owner,
					object_states[s].state, object_states[s].flags, 3);
			snprintf(name, sizeof name, "%s on a row that is %s", op_names[op],
				object_states[s].name);
			expect(object_states[s].owner[op],
				answer(&world, name, &world.owner, op, object), name);
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

static void every_object_operation_under_every_standing(void **state)
{
	static const char *const stands[STANDS] = {"new", "own", "foreign"};
	kit_signer signer = kit_signer_of("dr lima"), other = kit_signer_of("dr ota");
	uint8_t object[16];
	kit_world world;
	char name[128];

	(void)state;
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
				expect(standings[s].expected[stand][op],
					answer(&world, name, &signer, op, object), name);
				kit_world_free(&world);
			}
		}
	}
}

static void a_writer_may_not_undelete(void **state)
{
	kit_signer signer = kit_signer_of("dr lima");
	uint8_t object[16];
	kit_world world;

	(void)state;
	kit_id16("record", object);
	make_standing(&world, &standings[6], &signer); /* write */
	kit_put_object(&world.state, world.domain, object, &signer, EMR_OBJECT_UNLINKED, 0, 2);
	expect(GONE,
		answer(&world, "META by a writer on his unlinked object", &signer, META, object),
		"META");
	expect(OK, answer(&world, "PUT by a writer on his unlinked object", &signer, PUT, object),
		"PUT");
	kit_world_free(&world);
}

static void a_name_needs_the_signers_listing_key(void **state)
{
	uint8_t object[16], listkey[16];
	emr_key_text key;
	kit_world world;

	(void)state;
	kit_id16("record", object);
	kit_world_make(&world);
	kit_put_object(&world.state, world.domain, object, &world.owner, EMR_OBJECT_LIVE, 0, 2);
	emr_object_listkey(world.owner.id, 1, listkey);
	emr_key_listkey(world.domain, listkey, &key);
	kit_delete(&world.state, key.text);
	expect(DEAD, answer(&world, "PUT without a listing key", &world.owner, PUT, object), "PUT");
	expect(DEAD, answer(&world, "META without a listing key", &world.owner, META, object),
		"META");
	expect(DEAD, answer(&world, "REWRAP without a listing key", &world.owner, REWRAP, object),
		"REWRAP");
	expect(OK, answer(&world, "UNLINK without a listing key", &world.owner, UNLINK, object),
		"UNLINK");
	kit_world_free(&world);
}

static void nothing_happens_in_a_domain_that_is_not_there(void **state)
{
	uint8_t object[16];
	emr_key_text key;
	kit_world world;

	(void)state;
	kit_id16("record", object);
	kit_world_make(&world);
	emr_key_domain(world.domain, &key);
	kit_delete(&world.state, key.text);
	for (int op = 0; op < OBJECT_OPS; op++)
		expect(NODOM, answer(&world, "no such domain", &world.owner, op, object),
			op_names[op]);
	kit_world_free(&world);
}

/* ---- single items of any operation ---- */

static int answer_item(const kit_world *world, const char *name, const kit_signer *signer,
	emr_item item, emr_span pub, emr_span part, const kit_state *part_hashes)
{
	static kit_run run;
	kit_batch batch;
	emr_span bytes;
	int result;

	kit_begin(&batch, signer, world->net_id);
	kit_add(&batch, item, pub, part);
	bytes = kit_end(&batch);
	kit_judge(&run, name, bytes, &world->caller, KIT_NOW, &world->state, part_hashes);
	result = kit_answer(&run);
	kit_run_free(&run);
	free((void *)(uintptr_t)bytes.data);
	return result;
}

static emr_item domain_item(const kit_world *world, uint8_t op, uint32_t epoch)
{
	emr_item item = {.op = op, .epoch = epoch};
	emr_key_text key;

	memcpy(item.domain_id, world->domain, 16);
	memcpy(item.object_id, world->domain, 16);
	emr_key_domain(world->domain, &key);
	kit_follow(&world->state, key.text, &item);
	return item;
}

static void a_domain_is_made_once(void **state)
{
	kit_signer signer = kit_signer_of("anyone");
	uint8_t pub[64] = {1};
	emr_key_text key;
	kit_world world;
	emr_item item;

	(void)state;
	kit_world_make(&world);
	item = domain_item(&world, EMR_OP_DOMAIN_NEW, 1);
	expect(HAS,
		answer_item(&world, "DOMAIN_NEW over a live domain", &world.owner, item,
			kit_span(pub, 64), kit_span(NULL, 0), NULL),
		"live");
	emr_key_domain(world.domain, &key);
	kit_delete(&world.state, key.text);
	item = domain_item(&world, EMR_OP_DOMAIN_NEW, 1);
	expect(OK,
		answer_item(&world, "DOMAIN_NEW by any key", &signer, item, kit_span(pub, 64),
			kit_span(NULL, 0), NULL),
		"absent");
	item.epoch = 2;
	expect(EMR_RESULT_EPOCH,
		answer_item(&world, "DOMAIN_NEW in epoch 2", &signer, item, kit_span(pub, 64),
			kit_span(NULL, 0), NULL),
		"epoch");
	item.epoch = 1;
	item.object_id[0] ^= 1;
	expect(EMR_RESULT_FORMAT,
		answer_item(&world, "DOMAIN_NEW of another object", &signer, item,
			kit_span(pub, 64), kit_span(NULL, 0), NULL),
		"object");
	kit_world_free(&world);
}

/* What a standing may do beside objects: EPOCH and LISTKEY. */
static void epochs_and_listing_keys_under_every_standing(void **state)
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

	(void)state;
	assert_int_equal(
		sizeof expected / sizeof expected[0], sizeof standings / sizeof standings[0]);
	for (size_t s = 0; s < sizeof standings / sizeof standings[0]; s++) {
		make_standing(&world, &standings[s], &signer);
		item = domain_item(&world, EMR_OP_EPOCH, 2);
		snprintf(name, sizeof name, "EPOCH by: %s", standings[s].name);
		expect(expected[s].epoch,
			answer_item(&world, name, &signer, item, kit_span(A, 32), kit_part(1, 113),
				NULL),
			name);
		item = domain_item(&world, EMR_OP_LISTKEY, 1);
		emr_object_listkey(signer.id, 1, object);
		memcpy(item.object_id, object, 16);
		emr_key_listkey(world.domain, object, &key);
		kit_follow(&world.state, key.text, &item);
		snprintf(name, sizeof name, "LISTKEY by: %s", standings[s].name);
		expect(expected[s].listkey,
			answer_item(&world, name, &signer, item, kit_span(NULL, 0),
				kit_part(2, LISTKEY_PART), NULL),
			name);
		kit_world_free(&world);
	}
}

static void an_epoch_follows_the_last(void **state)
{
	uint8_t A[32] = {7};
	kit_world world;
	emr_item item;

	(void)state;
	kit_world_make(&world);
	for (uint32_t epoch = 0; epoch < 4; epoch++) {
		item = domain_item(&world, EMR_OP_EPOCH, epoch);
		expect(epoch == 2 ? OK : EMR_RESULT_EPOCH,
			answer_item(&world, "EPOCH number", &world.owner, item, kit_span(A, 32),
				kit_part(1, 33), NULL),
			"epoch number");
	}
	item = domain_item(&world, EMR_OP_EPOCH, 2);
	item.version++;
	expect(EMR_RESULT_CONFLICT,
		answer_item(&world, "EPOCH of another version", &world.owner, item, kit_span(A, 32),
			kit_part(1, 33), NULL),
		"version");
	kit_world_free(&world);
}

/* Sets a row of the length and family of ERASE's target, with SIGNER named at offset 48. */
static void put_named_row(
	kit_world *world, const char *key, uint8_t family, const kit_signer *signer)
{
	uint8_t value[EMR_ROW_GRANT_BYTES] = {family, 1};

	value[15] = 1;
	memcpy(value + 48, signer->id, 32);
	if (family == EMR_FAMILY_GRANT) /* over since a second */
		for (int i = 0; i < 8; i++)
			value[88 + i] = (uint8_t)((KIT_NOW - 1ull) >> (56 - 8 * i));
	kit_put(&world->state, key, value, sizeof value);
}

static void parts_of_other_families_go_by_owner_or_named_signer(void **state)
{
	static const struct {
		uint8_t family;
		const char *letters;
		bool in_domain;
		int owner, named, stranger;
	} cases[] = {
		{EMR_FAMILY_LISTKEY, "L", true, OK, OK, NO},
		{EMR_FAMILY_WRITER, "W", true, OK, NO, NO},
		{EMR_FAMILY_GRANT, "G", true, OK, NO, NO},
		{EMR_FAMILY_KFRAGS, "G", true, OK, OK, OK}, /* the grant is over */
		{EMR_FAMILY_LETTER, "H", true, OK, OK, NO},
		{EMR_FAMILY_ACK, "Y", true, OK, OK, NO},
		{EMR_FAMILY_REQUEST, "Q", true, OK, OK, NO},
		{EMR_FAMILY_ACCESS, "R", true, OK, OK, NO},
		{EMR_FAMILY_SERVED, "S", true, OK, OK, NO},
		{EMR_FAMILY_REPORT, "X", true, OK, OK, NO},
		{EMR_FAMILY_DATASET, "DS", false, NO, OK, NO},
		{EMR_FAMILY_TRUSTEES, "TR", false, NO, OK, NO},
		{EMR_FAMILY_RECOVERY, "RQ", false, NO, OK, NO},
	};
	kit_signer named = kit_signer_of("dr lima"), stranger = kit_signer_of("dr ota");
	emr_pub_erase erase = {.from_version = 1, .to_version = 1};
	uint8_t object[16], pub[24];
	emr_item item = {.op = EMR_OP_ERASE};
	emr_key_text key;
	kit_world world;

	(void)state;
	kit_id16("row", object);
	memcpy(item.object_id, object, 16);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		kit_world_make(&world);
		kit_put_key(&world.state, &named, world.org, EMR_ROLE_CLINICIAN, 1, 1,
			KIT_NOW + KIT_DAY);
		kit_put_key(&world.state, &stranger, world.org, EMR_ROLE_CLINICIAN, 1, 1,
			KIT_NOW + KIT_DAY);
		memset(item.domain_id, 0, 16);
		if (cases[i].in_domain)
			memcpy(item.domain_id, world.domain, 16);
		if (cases[i].in_domain)
			emr_key_in_domain(cases[i].letters, world.domain, object, &key);
		else
			emr_key_by_object(cases[i].letters, object, &key);
		erase.family = cases[i].family;
		emr_pub_erase_encode(&erase, pub);
		expect(GONE,
			answer_item(&world, "ERASE of an absent row", &world.owner, item,
				kit_span(pub, 24), kit_span(NULL, 0), NULL),
			key.text);
		put_named_row(&world, key.text,
			cases[i].family == EMR_FAMILY_KFRAGS ? EMR_FAMILY_GRANT : cases[i].family,
			&named);
		expect(cases[i].named,
			answer_item(&world, "ERASE by the signer that the row names", &named, item,
				kit_span(pub, 24), kit_span(NULL, 0), NULL),
			key.text);
		expect(cases[i].stranger,
			answer_item(&world, "ERASE by a stranger", &stranger, item,
				kit_span(pub, 24), kit_span(NULL, 0), NULL),
			key.text);
		expect(cases[i].owner,
			answer_item(&world, "ERASE by the domain's owner", &world.owner, item,
				kit_span(pub, 24), kit_span(NULL, 0), NULL),
			key.text);
		kit_world_free(&world);
	}
}

static void an_erase_stays_within_its_bounds(void **state)
{
	static const struct {
		uint64_t from, to;
		int expected;
	} cases[] = {
		{1, 300, EMR_RESULT_LIMIT},
		{45, 300, OK},
		{44, 299, OK},
		{1, 256, OK},
		{1, 257, EMR_RESULT_LIMIT},
		{0, 3, EMR_RESULT_FORMAT},
		{5, 4, EMR_RESULT_FORMAT},
		{300, 301, EMR_RESULT_LIMIT},
		{1, UINT64_MAX, EMR_RESULT_LIMIT},
		{UINT64_MAX, UINT64_MAX, EMR_RESULT_LIMIT},
		{7, 7, OK},
	};
	emr_pub_erase erase = {.family = EMR_FAMILY_OBJECT};
	uint8_t object[16], pub[24];
	emr_item item = {.op = EMR_OP_ERASE};
	emr_key_text key;
	kit_world world;

	(void)state;
	kit_id16("record", object);
	kit_world_make(&world);
	kit_put_object(&world.state, world.domain, object, &world.owner, EMR_OBJECT_LIVE, 0, 300);
	memcpy(item.domain_id, world.domain, 16);
	memcpy(item.object_id, object, 16);
	emr_key_object(world.domain, object, &key);
	kit_follow(&world.state, key.text, &item);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		erase.from_version = cases[i].from;
		erase.to_version = cases[i].to;
		emr_pub_erase_encode(&erase, pub);
		expect(cases[i].expected,
			answer_item(&world, "ERASE range", &world.owner, item, kit_span(pub, 24),
				kit_span(NULL, 0), NULL),
			"range");
	}
	kit_world_free(&world);
}

static void a_lost_part_comes_back_only_as_it_was(void **state)
{
	kit_signer signer = kit_signer_of("dr lima"), unknown = kit_signer_of("nobody");
	emr_pub_restore restore = {.family = EMR_FAMILY_OBJECT, .version = 2};
	emr_item item = {.op = EMR_OP_RESTORE_PART};
	kit_state hashes = {0};
	uint8_t object[16], pub[16], hash[32];
	emr_span part;
	emr_key_text key;
	kit_world world;

	(void)state;
	kit_id16("record", object);
	kit_world_make(&world);
	kit_put_key(&world.state, &signer, world.org, EMR_ROLE_AGENT, 1, 1, KIT_NOW + KIT_DAY);
	memcpy(item.domain_id, world.domain, 16);
	memcpy(item.object_id, object, 16);
	emr_pub_restore_encode(&restore, pub);
	part = kit_part(9, PUT_PART);
	emr_key_part(EMR_FAMILY_OBJECT, world.domain, object, 2, &key);
	expect(EMR_RESULT_PRIVATE_PART,
		answer_item(&world, "RESTORE of a purged part", &signer, item, kit_span(pub, 16),
			part, &hashes),
		"purged");
	emr_sha256(part.data, part.len, hash);
	kit_put(&hashes, key.text, hash, 32);
	expect(OK, answer_item(&world, "RESTORE", &signer, item, kit_span(pub, 16), part, &hashes),
		"same");
	expect(NO,
		answer_item(&world, "RESTORE by a stranger", &unknown, item, kit_span(pub, 16),
			part, &hashes),
		"unknown");
	expect(EMR_RESULT_PRIVATE_PART,
		answer_item(&world, "RESTORE of other bytes", &signer, item, kit_span(pub, 16),
			kit_part(10, PUT_PART), &hashes),
		"other");
	item.version = 1;
	expect(EMR_RESULT_CONFLICT,
		answer_item(&world, "RESTORE with a version", &signer, item, kit_span(pub, 16),
			part, &hashes),
		"version");
	item.version = 0;
	item.prev[0] = 1;
	expect(EMR_RESULT_CONFLICT,
		answer_item(&world, "RESTORE with a prev", &signer, item, kit_span(pub, 16), part,
			&hashes),
		"prev");
	kit_state_free(&hashes);
	kit_world_free(&world);
}

/* The W row stands under half of the writer's id; the other half must be his too. */
static void half_an_id_is_no_writer(void **state)
{
	kit_signer signer = kit_signer_of("dr lima"), twin = signer;
	uint8_t object[16];
	kit_world world;

	(void)state;
	kit_id16("record", object);
	make_standing(&world, &standings[8], &signer); /* manager */
	twin.id[31] ^= 1;
	kit_put_writer(&world.state, world.domain, &twin, EMR_RIGHT_MANAGE, 1, KIT_NOW + KIT_DAY);
	expect(NO, answer(&world, "PUT by half an id", &signer, PUT, object), "half an id");
	kit_world_free(&world);
}

/* Older ranges first: only the range with the newest version erases the object for good. */
static void an_object_is_erased_with_its_newest_version(void **state)
{
	static kit_run run;
	emr_pub_erase erase = {.family = EMR_FAMILY_OBJECT, .from_version = 1};
	emr_item item = {.op = EMR_OP_ERASE};
	kit_state parts = {0};
	uint8_t object[16], pub[24];
	emr_row_object row;
	const kit_row *found;
	emr_key_text key;
	kit_batch batch;
	kit_world world;
	emr_span bytes;

	(void)state;
	kit_id16("record", object);
	kit_world_make(&world);
	kit_put_object(&world.state, world.domain, object, &world.owner, EMR_OBJECT_UNLINKED, 0, 3);
	memcpy(item.domain_id, world.domain, 16);
	memcpy(item.object_id, object, 16);
	emr_key_object(world.domain, object, &key);
	for (uint64_t to = 2; to <= 4; to += 2) { /* 1..2 of 3, then 1..4 of 4 */
		erase.to_version = to;
		emr_pub_erase_encode(&erase, pub);
		kit_follow(&world.state, key.text, &item);
		kit_begin(&batch, &world.owner, world.net_id);
		kit_add(&batch, item, kit_span(pub, 24), kit_span(NULL, 0));
		bytes = kit_end(&batch);
		kit_judge(
			&run, "ERASE in ranges", bytes, &world.caller, KIT_NOW, &world.state, NULL);
		assert_int_equal(kit_answer(&run), OK);
		kit_commit(&run, &world.state, &parts);
		found = kit_get(&world.state, key.text);
		assert_int_equal(emr_row_object_parse(kit_span(found->value, found->len), &row),
			EMR_CONTRACT_OK);
		assert_int_equal(row.head.state, to == 2 ? EMR_OBJECT_UNLINKED : EMR_OBJECT_ERASED);
		assert_int_equal(row.head.version, to == 2 ? 4 : 5);
		kit_run_free(&run);
		free((void *)(uintptr_t)bytes.data);
	}
	kit_world_free(&world);
}

static void operations_of_later_contracts_are_unknown(void **state)
{
	emr_item item = {0};
	uint8_t pub[EMR_PUB_MAX] = {0};
	kit_world world;
	int known = 0;

	(void)state;
	kit_world_make(&world);
	for (int op = 0; op < 256; op++) {
		if (emr_op_pub_len((uint8_t)op) < 0 || emr_op_is_served((uint8_t)op))
			continue;
		known++;
		item.op = (uint8_t)op;
		expect(EMR_RESULT_UNKNOWN_OP,
			answer_item(&world, "an operation not served", &world.owner, item,
				kit_span(pub, (size_t)emr_op_pub_len((uint8_t)op)),
				kit_span(NULL, 0), NULL),
			emr_op_text((uint8_t)op));
	}
	assert_int_equal(known, 35);
	kit_world_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_object_operation_in_every_state),
		cmocka_unit_test(every_object_operation_under_every_standing),
		cmocka_unit_test(a_writer_may_not_undelete),
		cmocka_unit_test(a_name_needs_the_signers_listing_key),
		cmocka_unit_test(nothing_happens_in_a_domain_that_is_not_there),
		cmocka_unit_test(a_domain_is_made_once),
		cmocka_unit_test(epochs_and_listing_keys_under_every_standing),
		cmocka_unit_test(an_epoch_follows_the_last),
		cmocka_unit_test(parts_of_other_families_go_by_owner_or_named_signer),
		cmocka_unit_test(an_erase_stays_within_its_bounds),
		cmocka_unit_test(a_lost_part_comes_back_only_as_it_was),
		cmocka_unit_test(half_an_id_is_no_writer),
		cmocka_unit_test(an_object_is_erased_with_its_newest_version),
		cmocka_unit_test(operations_of_later_contracts_are_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
