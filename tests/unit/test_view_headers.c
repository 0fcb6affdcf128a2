/* The facts in a file's header go with its record, stay with its bytes, and are nobody's
 * attribute. */
#include "view_kit.h"

#include <signal.h>

#include "headers_kit.h"
#include "helper/inside.h"
#include "parts.h"
#include "protocol.h"

static void write_dicom(kit *k, const char *path, const char *modality)
{
	dicom d = {0};

	dicom_begin(&d, "1.2.840.10008.1.2.1");
	dicom_text(&d, 0x00080020, "DA", "20040119");
	dicom_text(&d, 0x00080060, "CS", modality);
	dicom_text(&d, 0x00100010, "PN", "Silva^Ana");
	dicom_text(&d, 0x00100020, "LO", "K7QF");
	dicom_text(&d, 0x0020000d, "UI", "1.2.3");
	dicom_text(&d, 0x0020000e, "UI", "1.2.3.4");
	kit_write(k, path, d.bytes.data, d.bytes.len);
	emr_buf_free(&d.bytes);
}

static const char *modality_of(kit *k, const char *path)
{
	static emr_record_facts facts;

	assert_ok(emr_view_record(k->view, kit_attr(k, path).node, &facts));
	return facts.headers.modality;
}

TEST(headers_follow_the_bytes_through_renames_and_restarts)
{
	SCENE(kit, k, kit_open, kit_close);
	kit_mkdir(&k, "Imaging");
	write_dicom(&k, "Imaging/head", "CT");
	assert_string_equal(modality_of(&k, "Imaging/head"), "");
	kit_publish_all(&k);
	assert_string_equal(modality_of(&k, "Imaging/head"), "CT");
	kit_restart(&k);
	assert_string_equal(modality_of(&k, "Imaging/head"), "CT");
	kit_mkdir(&k, "Other");
	kit_rename(&k, "Imaging/head", "Other/skull");
	kit_publish_all(&k);
	kit_restart(&k);
	assert_string_equal(modality_of(&k, "Other/skull"), "CT");
	assert_string_equal(kit_attribute(&k, "Other/skull", "user.emrfs.headers"),
		"kind=dicom\nmodality=CT\nstudy_date=2004-01-19\n");
	write_dicom(&k, "Other/skull", "MR");
	kit_publish_all(&k);
	assert_string_equal(modality_of(&k, "Other/skull"), "MR");
	kit_save(&k, "Other/skull", "no image any more");
	kit_restart(&k);
	assert_string_equal(modality_of(&k, "Other/skull"), "");
}

/* All who may list a folder read what is kept with a record, and no log says so. */
TEST(a_patients_name_and_ids_stay_in_the_content)
{
	SCENE(kit, k, kit_open, kit_close);
	write_dicom(&k, "head", "CT");
	kit_publish_all(&k);
	assert_string_equal(kit_attribute(&k, "head", "user.emrfs.headers"),
		"kind=dicom\nmodality=CT\nstudy_date=2004-01-19\n");
	/* the owner may say otherwise, of what is saved from then on */
	k.options.lists_patients = true;
	kit_restart(&k);
	write_dicom(&k, "foot", "CT");
	kit_publish_all(&k);
	assert_string_equal(kit_attribute(&k, "foot", "user.emrfs.headers"),
		"kind=dicom\nmodality=CT\nstudy_date=2004-01-19\npatient_name=Silva^Ana\n"
		"patient_id=K7QF\nstudy_uid=1.2.3\nseries_uid=1.2.3.4\n");
	assert_string_equal(kit_attribute(&k, "head", "user.emrfs.headers"),
		"kind=dicom\nmodality=CT\nstudy_date=2004-01-19\n");
}

TEST(headers_are_learned_again_when_publishing_is_repeated)
{
	SCENE(kit, k, kit_open, kit_close);
	write_dicom(&k, "head", "CT");
	kit_restart(&k); /* frozen or not, never sent */
	kit_publish_all(&k);
	assert_string_equal(modality_of(&k, "head"), "CT");
}

TEST(an_earlier_version_brings_its_headers_back)
{
	const emr_restore first = {.path = "head", .cver = 1};
	emr_restored restored;

	SCENE(kit, k, kit_open, kit_close);
	write_dicom(&k, "head", "CT");
	kit_publish_all(&k);
	kit_wait_ms(&k, 2000);
	write_dicom(&k, "head", "MR");
	kit_publish_all(&k);
	kit_wait_ms(&k, 2000);
	assert_ok(emr_view_restore(k.view, &first, &restored));
	kit_publish_all(&k);
	kit_restart(&k);
	assert_string_equal(modality_of(&k, "head"), "CT");
}

TEST(headers_are_no_attribute_of_the_file)
{
	EMR_AUTO_BUF names = {0}, value = {0};
	uint64_t node;

	SCENE(kit, k, kit_open, kit_close);
	write_dicom(&k, "head", "CT");
	kit_publish_all(&k);
	node = kit_attr(&k, "head").node;
	assert_ok(emr_view_list_attributes(k.view, node, &names));
	assert_int_equal(names.len, 0);
	assert_status(
		EMR_UNSUPPORTED, emr_view_get_attribute(k.view, node, EMR_HEADERS_KEY, &value));
	assert_status(EMR_UNSUPPORTED, emr_view_remove_attribute(k.view, node, EMR_HEADERS_KEY));
	assert_ok(emr_view_set_attribute(k.view, node, "user.note", emr_bytes_of("x", 1), 0));
	kit_publish_all(&k);
	kit_restart(&k);
	assert_string_equal(modality_of(&k, "head"), "CT");
}

TEST(the_persons_own_attributes_come_first)
{
	static uint8_t big[15902];
	uint64_t node;

	SCENE(kit, k, kit_open, kit_close);
	write_dicom(&k, "head", "CT");
	node = kit_attr(&k, "head").node;
	assert_ok(
		emr_view_set_attribute(k.view, node, "user.big", emr_bytes_of(big, sizeof big), 0));
	kit_publishes_all(&k, "PUT");
	assert_string_equal(modality_of(&k, "head"), "");
}

/* ---- a helper that a file breaks ---- */

/* As the real one, but for files that say so. */
static int be_helper(void)
{
	static protocol_message message;
	emr_headers found;
	size_t got;

	(void)emr_inside_ready_tell(PROTOCOL_VERSION);
	while (emr_inside_hear(&message, sizeof message, &got, NULL, 0)) {
		EMR_AUTO_BUF kept = {0};

		if (memmem(message.bytes, message.len, "BREAK", 5) != NULL)
			raise(SIGSEGV);
		if (emr_headers_read_bytes(emr_bytes_of(message.bytes, message.len), &found) !=
				EMR_OK ||
			emr_headers_encode(&found, &kept) != EMR_OK)
			return 1;
		memcpy(message.bytes, kept.data, kept.len);
		message.kind = PROTOCOL_FOUND;
		message.len = (uint32_t)kept.len;
		(void)emr_inside_tell(&message, protocol_size(message.len));
	}
	return 0;
}

TEST(a_file_that_breaks_its_reader_is_registered_without_headers)
{
	SCENE(kit, k, kit_open, kit_close);
	k.options.headers_program = "/proc/self/exe";
	kit_restart(&k);
	write_dicom(&k, "first", "CT");
	write_dicom(&k, "hostile", "BREAK");
	write_dicom(&k, "last", "MR");
	kit_publishes_all(&k, "PUT PUT PUT");
	assert_string_equal(modality_of(&k, "first"), "CT");
	assert_string_equal(modality_of(&k, "hostile"), "");
	assert_string_equal(modality_of(&k, "last"), "MR");
}

TEST(without_a_helper_everything_is_registered_all_the_same)
{
	SCENE(kit, k, kit_open, kit_close);
	k.options.headers_program = "/nonexistent";
	kit_restart(&k);
	write_dicom(&k, "head", "CT");
	kit_publishes_all(&k, "PUT");
	assert_string_equal(modality_of(&k, "head"), "");
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], PROTOCOL_ROLE) == 0)
		return be_helper();
	return emr_tests_run(NULL, NULL);
}
