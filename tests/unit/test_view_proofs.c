/* These tests show that .emrfs/proof has the folder of now, that a proof of a saved file is sound,
 * and that an exported file comes back byte for byte. */
#include <sys/mman.h>

#include "carry/carry.h"
#include "proof/make.h"
#include "view_paths.h"

#define BIG 700000

static emr_status make_proof(void *arg, const emr_place *place, emr_buf *out)
{
	const kit *k = arg;
	const emr_proof_sources from = {.keyring = k->stack.keyring,
		.ledger = k->stack.ledger,
		.replica = k->stack.replica,
		.records = k->stack.records,
		.store = emr_store_blocks(k->stack.store),
		.facts = k->stack.facts,
		.now_unix_s = (uint64_t)(k->clock.unix_ns / 1000000000)};

	return emr_proof_make(&from, place, out);
}

static void open_folder(kit *k)
{
	kit_open(k);
	k->options.make_proof = make_proof;
	k->options.special_arg = k;
	kit_restart(k);
	kit_mkdir(k, "Imaging");
	kit_text(k, "Imaging/note.txt", "hello");
	kit_save(k, "top.txt", "top");
}

static emr_status read_proof(kit *k, const char *path, emr_buf *out)
{
	emr_handle *h;
	emr_attr attr;
	size_t got = 0;
	emr_status status = kit_look_up(k, path, &attr);

	if (status != EMR_OK)
		return status;
	status = emr_view_open_file(k->view, attr.node, O_RDONLY, &h);
	if (status == EMR_OK) {
		assert_ok(emr_buf_reserve(out, 100000));
		assert_ok(emr_view_read(h, 0, out->data, 100000, &got));
		out->len = got;
		emr_view_release(h);
	}
	emr_view_forget(k->view, attr.node, 1);
	return status;
}

static bool note_name(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	(void)next;
	assert_true(attr->is_virtual || name[0] == '.');
	strcat(strcat(arg, name), " ");
	return true;
}

static void names_below(kit *k, const char *path, char out[400])
{
	emr_attr attr;

	out[0] = 0;
	assert_ok(kit_look_up(k, path, &attr));
	assert_ok(emr_view_each_entry(k->view, attr.node, 2, false, note_name, out));
	emr_view_forget(k->view, attr.node, 1);
}

TEST(proofs_are_where_the_files_are)
{
	char names[400];
	emr_attr attr, made;

	SCENE(kit, k, open_folder, kit_close);
	names_below(&k, ".emrfs/proof", names);
	assert_string_equal(names, "Inbox Imaging top.txt.tlog-proof ");
	names_below(&k, ".emrfs/proof/Imaging", names);
	assert_string_equal(names, "note.txt.tlog-proof ");
	assert_status(EMR_NOT_FOUND, kit_look_up(&k, ".emrfs/proof/note.txt.tlog-proof", &attr));
	assert_status(EMR_NOT_FOUND, kit_look_up(&k, ".emrfs/proof/Imaging/note.txt", &attr));
	assert_status(EMR_NOT_FOUND, kit_look_up(&k, ".emrfs/proof/.tlog-proof", &attr));
	assert_ok(kit_look_up(&k, ".emrfs/proof/Imaging", &attr));
	assert_status(EMR_DENIED, emr_view_mkdir(k.view, attr.node, "x", 0700, &made));
	assert_status(EMR_DENIED, emr_view_unlink(k.view, attr.node, "note.txt.tlog-proof"));
	emr_view_forget(k.view, attr.node, 1);
}

TEST(a_proof_made_in_the_folder_is_sound)
{
	emr_proof_verdict verdict;
	EMR_AUTO_BUF proof = {0};

	SCENE(kit, k, open_folder, kit_close);
	assert_ok(read_proof(&k, ".emrfs/proof/Imaging/note.txt.tlog-proof", &proof));
	assert_ok(emr_proof_check(emr_buf_view(&proof), -1, NULL, &verdict));
	assert_int_equal(verdict.step, EMR_PROOF_SOUND);
	assert_int_equal(verdict.n, 5);
}

TEST(a_proof_is_not_given_while_its_file_is_changing)
{
	EMR_AUTO_BUF proof = {0};

	SCENE(kit, k, open_folder, kit_close);
	kit_text(&k, "top.txt", "changed");
	assert_status(EMR_NO_ATTRIBUTE, read_proof(&k, ".emrfs/proof/top.txt.tlog-proof", &proof));
	kit_publish_all(&k);
	assert_ok(read_proof(&k, ".emrfs/proof/top.txt.tlog-proof", &proof));
	kit_text(&k, "new.txt", "new");
	assert_status(EMR_NOT_FOUND, read_proof(&k, ".emrfs/proof/new.txt.tlog-proof", &proof));
}

TEST(a_node_outlives_the_file_it_stood_for)
{
	emr_attr file, directory, attr;
	emr_handle *h;

	SCENE(kit, k, open_folder, kit_close);
	assert_ok(kit_look_up(&k, ".emrfs/proof/Imaging/note.txt.tlog-proof", &file));
	assert_ok(kit_look_up(&k, ".emrfs/proof/Imaging", &directory));
	kit_unlink(&k, "Imaging/note.txt");
	kit_rmdir(&k, "Imaging");
	kit_publish_all(&k);
	assert_status(EMR_NOT_FOUND, emr_view_open_file(k.view, file.node, O_RDONLY, &h));
	assert_status(EMR_NOT_FOUND,
		emr_view_lookup(k.view, directory.node, "note.txt.tlog-proof", &attr));
	assert_ok(emr_view_attr(k.view, file.node, &attr));
	emr_view_forget(k.view, file.node, 1);
	emr_view_forget(k.view, directory.node, 1);
	assert_status(EMR_NOT_FOUND, emr_view_attr(k.view, file.node, &attr));
}

/* ---- out and in ---- */

typedef struct seen {
	emr_parcel *parcel;
	char paths[400];
	const uint8_t *big;
} seen;

static emr_status note_record(void *arg, const emr_parcel_record *r)
{
	seen *s = arg;
	emr_content_reader *reader;
	uint8_t *bytes;
	size_t got;

	strcat(strcat(s->paths, r->path), " ");
	if (r->meta.type != EMR_META_FILE)
		return EMR_OK;
	bytes = malloc(BIG + 1);
	assert_non_null(bytes);
	assert_ok(emr_parcel_content(s->parcel, r->number, NULL, 0, &reader));
	assert_ok(emr_content_reader_read(reader, 0, bytes, BIG + 1, &got));
	assert_int_equal(got, r->meta.n);
	assert_memory_equal(
		bytes, got == BIG ? (const void *)s->big : "hello", got == BIG ? BIG : 5);
	emr_content_reader_free(reader);
	free(bytes);
	return EMR_OK;
}

static emr_id16 object_of(kit *k, const char *path)
{
	emr_id16 id;

	assert_ok(emr_unhex(kit_attribute(k, path, "user.emrfs.id"), id.b, sizeof id.b));
	return id;
}

TEST(what_was_exported_comes_back)
{
	emr_carry_sources from;
	emr_carry_tally tally;
	emr_keyring *stranger;
	emr_id16 root;
	seen s = {.parcel = NULL};
	EMR_AUTO_FREE uint8_t *big = kit_bytes(BIG, 5);
	EMR_AUTO_FD fd = memfd_create("car", MFD_CLOEXEC);

	SCENE(kit, k, open_folder, kit_close);
	kit_mkdir(&k, "Imaging/Old");
	kit_write(&k, "Imaging/Old/big", big, BIG);
	kit_publish_all(&k);
	kit_rename(&k, "Imaging/Old/big", "Imaging/Old/bigger"); /* name and content in two items */
	kit_publish_all(&k);
	from = (emr_carry_sources){.keyring = k.stack.keyring,
		.ledger = k.stack.ledger,
		.replica = k.stack.replica,
		.store = emr_store_blocks(k.stack.store),
		.facts = k.stack.facts};
	root = object_of(&k, "Imaging");
	assert_ok(emr_carry_write(&from, &root, fd, &tally));
	assert_int_equal(tally.records, 2);
	s.big = big;
	assert_ok(emr_parcel_open(fd, k.stack.keyring, NULL, &s.parcel));
	assert_ok(emr_parcel_each(s.parcel, note_record, &s));
	assert_string_equal(s.paths, "Imaging Imaging/Old Imaging/note.txt Imaging/Old/bigger ");
	emr_parcel_close(s.parcel);
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &stranger));
	assert_status(EMR_DENIED, emr_parcel_open(fd, stranger, NULL, &s.parcel));
	emr_keyring_free(stranger);
	root.b[3] ^= 1;
	assert_status(EMR_NOT_FOUND, emr_carry_write(&from, &root, fd, &tally));
}

TESTS(NULL, NULL)
