/* These tests show that .emrfs/proof has the folder of now, that a proof of a saved file is sound,
 * and that an exported file is whole below one root. */
#include <sys/mman.h>

#include "carry/carry.h"
#include "proof/make.h"
#include "store/car.h"
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

/* ---- a CAR for nodes ---- */

static emr_status note_section(void *arg, const emr_block *block, uint64_t offset)
{
	emr_buf *names = arg;

	(void)offset;
	assert_false(emr_buf_has(names, emr_bytes_of(&block->cid, sizeof block->cid)));
	return emr_buf_append(names, &block->cid, sizeof block->cid);
}

static emr_status is_below(void *arg, const emr_cid *cid)
{
	emr_buf *names = arg;

	assert_true(emr_buf_has(names, emr_bytes_of(cid, sizeof *cid)));
	return EMR_OK;
}

/* The FILES contents below ROOT (NULL: the whole folder) in a CAR of their own: every block once,
 * the root that is said, and all that is below each content. */
static emr_cid exported(kit *k, const emr_id16 *root, uint64_t files)
{
	const emr_carry_sources from = {
		.store = emr_store_blocks(k->stack.store), .facts = k->stack.facts};
	EMR_AUTO_FD fd = memfd_create("car", MFD_CLOEXEC);
	EMR_AUTO_BUF names = {0};
	emr_carry_tally tally;
	emr_cid named;
	uint64_t end;
	size_t n;

	assert_ok(emr_carry_write(&from, root, fd, &tally));
	assert_int_equal(tally.records, files);
	assert_ok(emr_car_scan(fd, note_section, &names, &end));
	assert_int_equal(end, tally.bytes);
	assert_ok(emr_car_scan_roots(fd, &named, 1, &n));
	assert_true(emr_cid_equal(&named, &tally.root));
	assert_ok(is_below(&names, &named));
	if (files == 1)
		assert_ok(emr_store_walk(from.store, &named, is_below, &names, NULL));
	return named;
}

static emr_id16 object_of(kit *k, const char *path)
{
	emr_id16 id;

	assert_ok(emr_unhex(kit_attribute(k, path, "user.emrfs.id"), id.b, sizeof id.b));
	return id;
}

TEST(one_root_is_above_what_is_exported_and_a_file_is_its_own)
{
	char text[EMR_CID_TEXT_CHARS + 1];
	EMR_AUTO_FREE uint8_t *big = kit_bytes(BIG, 5);
	emr_carry_sources from;
	emr_carry_tally tally;
	emr_id16 root;
	emr_cid one;

	SCENE(kit, k, open_folder, kit_close);
	kit_mkdir(&k, "Imaging/Old");
	kit_mkdir(&k, "Imaging/None");
	kit_write(&k, "Imaging/Old/big", big, BIG);
	kit_publish_all(&k);
	kit_rename(&k, "Imaging/Old/big", "Imaging/Old/bigger"); /* name and content in two items */
	kit_publish_all(&k);
	root = object_of(&k, "Imaging");
	exported(&k, &root, 2);
	root = object_of(&k, "Imaging/None");
	exported(&k, &root, 0);
	root = object_of(&k, "Imaging/Old/bigger");
	one = exported(&k, &root, 1);
	emr_cid_text(&one, text);
	assert_string_equal(text, kit_attribute(&k, "Imaging/Old/bigger", "user.emrfs.cid"));
	root.b[3] ^= 1;
	from = (emr_carry_sources){
		.store = emr_store_blocks(k.stack.store), .facts = k.stack.facts};
	{
		EMR_AUTO_FD fd = memfd_create("car", MFD_CLOEXEC);

		assert_status(EMR_NOT_FOUND, emr_carry_write(&from, &root, fd, &tally));
	}
}

TESTS(NULL, NULL)
