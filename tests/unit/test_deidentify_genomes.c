/* These tests plant names in what VCF, BAM and CRAM files begin with, and find none of them in
 * copies, whose other bytes are the original's. */
#include "headed_kit.h"

#include "base/codec.h"

#define VCF                                                                                        \
	"##fileformat=VCFv4.2\n##fileDate=20240119\n##source=Caller of Ana Silva\n"                \
	"##bcftoolsCommand=call /home/silva/4711.bam\n##SAMPLE=<ID=Silva,Name=\"Ana\">\n"          \
	"##reference=file:///data/Silva/"                                                          \
	"ref.fa\n##contig=<ID=chr1,length=248956422,species=Silva>\n"                              \
	"##INFO=<ID=DP,Number=1,Type=Integer,Description=\"Depth, Type=Silva\",Source=\"4711\">\n" \
	"##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Silva\">\n"                            \
	"##FILTER=<ID=q10,Description=\"Silva\">\n##Silva=<ID=x>\n"
#define CLEAN_VCF                                                                                  \
	"##fileformat=VCFv4.2\n##contig=<ID=chr1,length=248956422>\n"                              \
	"##INFO=<ID=DP,Number=1,Type=Integer,Description=\".\">\n"                                 \
	"##FORMAT=<ID=GT,Number=1,Type=String,Description=\".\">\n"                                \
	"##FILTER=<ID=q10,Description=\".\">\n"
#define COLUMNS "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
#define BODY "chr1\t1000\t.\tA\tC\t50\tPASS\tDP=10\tGT\t0/1\n"

static emr_bytes text_of(const char *text)
{
	return emr_bytes_of(text, strlen(text));
}

static void assert_bytes(emr_bytes is, emr_bytes wanted)
{
	assert_int_equal(is.len, wanted.len);
	assert_memory_equal(is.data, wanted.data, wanted.len);
}

TEST(variants_are_given_under_a_pseudonym_without_what_programs_wrote)
{
	EMR_AUTO_BUF gz = {0}, copy = {0}, plain = {0}, large = {0};
	static const char clean[] = CLEAN_VCF COLUMNS "\tFORMAT\t" PSEUDONYM "\n" BODY;
	static const char other[] = CLEAN_VCF COLUMNS "\tFORMAT\tSilva\n" BODY;

	assert_string_equal(
		copied(text_of(VCF COLUMNS "\tFORMAT\tSilva_4711\n" BODY), false, &copy), "");
	assert_bytes(emr_buf_view(&copy), text_of(clean));
	packed(text_of(VCF COLUMNS "\tFORMAT\tAna\n" BODY), 100, true, &gz);
	assert_string_equal(copied(emr_buf_view(&gz), false, &copy), "");
	unpacked(emr_buf_view(&copy), &plain);
	assert_bytes(emr_buf_view(&plain), text_of(clean));
	/* No genotypes, so no sample. */
	assert_string_equal(
		copied(text_of(VCF COLUMNS "\nchr1\t1\t.\tA\tC\t5\t.\t.\n"), false, &copy), "");
	/* Others are in it, or their columns are not said. */
	assert_string_equal(
		copied(text_of(VCF COLUMNS "\tFORMAT\tSilva\tOther\n" BODY), false, &copy),
		"people");
	assert_string_equal(copied(text_of(VCF BODY), false, &copy), "damaged");
	assert_string_equal(
		copied(text_of("##fileformat=VCFv3.3\n" COLUMNS "\n"), false, &copy), "not-dicom");
	assert_string_equal(copied(text_of(VCF COLUMNS "\tSilva\n" BODY), false, &copy), "damaged");
	assert_string_equal(copied(text_of(VCF "#CHROM\tSilva"), false, &copy), "damaged");
	/* A liar's name, where no field is called anything. */
	for (const char *word = "Silva0", *at = clean; at < strstr(clean, "chr1\t"); at++) {
		emr_buf_clear(&large);
		assert_ok(emr_buf_append(&large, clean, (size_t)(at - clean)));
		assert_ok(emr_buf_append(&large, word, 6));
		assert_ok(emr_buf_append(&large, at, strlen(at)));
		if (at == clean || strchr("\n#<>.\"", at[-1]) != NULL)
			assert_int_not_equal(
				scan_bytes(emr_buf_view(&large), ALL), EMR_WITHHELD_NOT);
	}
	/* More than a block. */
	emr_buf_clear(&large);
	assert_ok(emr_buf_append(&large, other, strlen(other)));
	for (int i = 0; i < 5000; i++)
		assert_ok(emr_buf_append(&large, BODY, strlen(BODY)));
	packed(emr_buf_view(&large), 60000, true, &gz);
	assert_string_equal(copied(emr_buf_view(&gz), false, &copy), "");
	unpacked(emr_buf_view(&copy), &plain);
	assert_int_equal(plain.len, strlen(clean) + 5000 * strlen(BODY));
	assert_memory_equal(
		plain.data + strlen(clean), large.data + strlen(other), 5000 * strlen(BODY));
	gz.data[gz.len / 2] ^= 1;
	assert_string_equal(copied(emr_buf_view(&gz), false, &copy), "damaged");
}

#define SAM                                                                                        \
	"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr1\tLN:1000\tUR:/home/Silva/ref.fa\tAS:Silva\n"     \
	"@RG\tID:run1\tSM:Silva_4711\tLB:Silva\tPU:4711\tCN:Hospital "                             \
	"Silva\tPL:ILLUMINA\tDT:2024-01-19\n"                                                      \
	"@RG\tSM:Silva_4711\tID:run2\n@RG\tID:12345678\tPL:ONT\n"                                  \
	"@PG\tID:bwa\tPN:bwa\tVN:0.7\tCL:bwa mem Silva^Ana_1.fq\n@CO\tof Ana Silva 19600229\n"
#define CLEAN_SAM                                                                                  \
	"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr1\tLN:1000\n@RG\tID:run1\tSM:" PSEUDONYM           \
	"\tPL:ILLUMINA\n@RG\tSM:" PSEUDONYM "\tID:run2\n@PG\tID:bwa\tPN:bwa\tVN:0.7\n"

static void put_little(emr_buf *out, size_t n)
{
	for (int i = 0; i < 4; i++)
		assert_ok(emr_buf_append(out, &(uint8_t){(uint8_t)(n >> (8 * i))}, 1));
}

/* TEXT and BODY as BAM, without its compression. */
static void bam(const char *text, const char *body, emr_buf *out)
{
	emr_buf_clear(out);
	assert_ok(emr_buf_append(out, "BAM\1", 4));
	put_little(out, strlen(text));
	assert_ok(emr_buf_append(out, text, strlen(text)));
	assert_ok(emr_buf_append(out, "\1\0\0\0\5\0\0\0chr1\0\xe8\3\0\0", 17));
	assert_ok(emr_buf_append(out, body, strlen(body)));
}

TEST(reads_are_given_under_a_pseudonym_without_what_programs_wrote)
{
	EMR_AUTO_BUF file = {0}, gz = {0}, copy = {0}, plain = {0}, wanted = {0};

	bam(SAM, "reads", &file);
	packed(emr_buf_view(&file), 100, true, &gz);
	assert_string_equal(copied(emr_buf_view(&gz), false, &copy), "");
	unpacked(emr_buf_view(&copy), &plain);
	bam(CLEAN_SAM, "reads", &wanted);
	assert_bytes(emr_buf_view(&plain), emr_buf_view(&wanted));
	assert_string_equal(copied(emr_buf_view(&file), false, &copy), "damaged"); /* not packed */
	/* The sample's name in a read, and another sample. */
	bam(SAM, "RGZSilva_4711", &file);
	packed(emr_buf_view(&file), 100, true, &gz);
	{
		int in = made_memory(emr_buf_view(&gz)), out = made_memory(emr_bytes_of("", 0));
		emr_deidentified what;

		assert_ok(headed_copy(
			in, gz.len, out, &(headed_rules){ALL, false, PSEUDONYM}, &what));
		assert_int_equal(what.withheld, EMR_WITHHELD_NOT);
		assert_int_equal(what.form, EMR_COPY_BAM);
		assert_int_equal(
			headed_check(in, gz.len, out, what.size), EMR_WITHHELD_FOUND_AGAIN);
		close(in);
		close(out);
	}
	bam(SAM "@RG\tID:other\tSM:Mother\n", "reads", &file);
	packed(emr_buf_view(&file), 100, true, &gz);
	assert_string_equal(copied(emr_buf_view(&gz), false, &copy), "people");
	bam(CLEAN_SAM "@CO\tSilva\n", "reads", &file);
	packed(emr_buf_view(&file), 1000, true, &gz);
	assert_int_equal(scan_bytes(emr_buf_view(&gz), ALL), EMR_WITHHELD_FOUND_AGAIN);
	bam("@RG\tID:x\tSM:Silva\n", "reads", &file);
	packed(emr_buf_view(&file), 1000, true, &gz);
	assert_int_equal(scan_bytes(emr_buf_view(&gz), ALL), EMR_WITHHELD_FOUND_AGAIN);
}

/* A CRAM file with TEXT by METHOD (0: as it is, 1: gzip), and a second container. */
static void cram(const char *text, uint8_t method, emr_buf *out)
{
	EMR_AUTO_BUF inner = {0}, data = {0};
	uint8_t sizes[10];

	emr_buf_clear(out);
	put_little(&inner, strlen(text));
	assert_ok(emr_buf_append(&inner, text, strlen(text)));
	assert_ok(emr_buf_append_zeros(&inner, 20));
	if (method == 1)
		packed(emr_buf_view(&inner), 100000, false, &data);
	else
		assert_ok(emr_buf_append(&data, inner.data, inner.len));
	if (method == 1)
		data.len -= 39; /* the second, empty member of packed() */
	assert_ok(emr_buf_append(out, "CRAM\3\0Silva^Ana_4711.cram..", 26));
	put_little(out, 3 + 8 + data.len + 4);
	assert_ok(emr_buf_append(out, "\xff\xff\xff\xff\x0f\0\0\0\0\0\1\1\0....", 17));
	assert_ok(emr_buf_append(out, &method, 1));
	assert_ok(emr_buf_append(out, "\0\0", 2));
	emr_put_u32(sizes, (uint32_t)data.len | 0xe0000000);
	emr_put_u32(sizes + 4, (uint32_t)inner.len | 0xe0000000);
	assert_ok(emr_buf_append(out, sizes, 8));
	assert_ok(emr_buf_append(out, data.data, data.len));
	assert_ok(emr_buf_append(out, "....the end", 11));
}

TEST(a_cram_file_has_a_clean_container_of_its_header)
{
	EMR_AUTO_BUF file = {0}, copy = {0};
	const size_t len = strlen(CLEAN_SAM);

	for (uint8_t method = 0; method < 2; method++) {
		cram(SAM, method, &file);
		assert_string_equal(copied(emr_buf_view(&file), false, &copy), "");
		assert_int_equal(copy.len, 26 + 17 + 11 + len + 4 + 7);
		assert_memory_equal(
			copy.data, "CRAM\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 26);
		assert_memory_equal(copy.data + 54, CLEAN_SAM, len);
		assert_memory_equal(copy.data + copy.len - 7, "the end", 7);
		assert_int_equal(crc32(0, copy.data + 26, 13),
			copy.data[39] | copy.data[40] << 8 | copy.data[41] << 16 |
				(uint32_t)copy.data[42] << 24);
		for (size_t i = 0; i < 54; i++) { /* a liar's word, wherever it stands */
			copy.data[i] ^= 2;
			assert_int_not_equal(
				scan_bytes(emr_buf_view(&copy), ALL), EMR_WITHHELD_NOT);
			copy.data[i] ^= 2;
		}
	}
	cram(SAM, 4, &file); /* rANS */
	assert_string_equal(copied(emr_buf_view(&file), false, &copy), "compression");
	for (size_t cut = 0; cut < 60; cut++)
		assert_string_not_equal(copied(emr_bytes_of(file.data, cut), false, &copy), "");
}

TESTS(NULL, NULL)
