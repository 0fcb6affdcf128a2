/* These tests parse command lines: where options may stand, what is refused and with which
 * words, and that nothing typed can control the terminal. */
#include "emr_test.h"

#include "kit/verbs.h"

static emr_problem problem;

/* Words of LINE, separated by single blanks. */
static emr_status parse(const char *line, emr_args *out_args)
{
	static char text[512];
	static char *argv[32];
	int argc = 1;

	argv[0] = (char[]){"emrfs"};
	snprintf(text, sizeof text, "%s", line);
	for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	problem = (emr_problem){0};
	return emr_args_parse(argc, argv, out_args, &problem);
}

TEST(options_may_stand_before_and_after_the_verb)
{
	emr_args args;

	assert_ok(parse("--as child --json mount dir --idle 2h -f", &args));
	assert_int_equal(args.verb, EMR_VERB_MOUNT);
	assert_string_equal(args.values[EMR_OPT_AS], "child");
	assert_true(args.given[EMR_OPT_JSON]);
	assert_string_equal(args.values[EMR_OPT_IDLE], "2h");
	assert_true(args.given[EMR_OPT_FOREGROUND]);
	assert_int_equal(args.n_operands, 1);
	assert_string_equal(args.operands[0], "dir");
}

/* Other users can read arguments: what a menu says about people and records comes on a pipe. */
TEST(all_arguments_may_come_on_standard_input)
{
	static const char words[] = "share\0a b\nc\0with\0Dr Paula Lima";
	emr_args_input input = {.argc = 0}, many = {.argc = 0}, open_end = {.argc = 0};
	emr_args args;
	int ends[2];

	problem = (emr_problem){0};
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], words, sizeof words), sizeof words);
	close(ends[1]);
	assert_ok(emr_args_from_input(ends[0], (char[]){"emrfs"}, &input));
	close(ends[0]);
	assert_ok(emr_args_parse(input.argc, input.argv, &args, &problem));
	assert_int_equal(args.verb, EMR_VERB_SHARE);
	assert_int_equal(args.n_operands, 3);
	assert_string_equal(args.operands[0], "a b\nc");
	assert_string_equal(args.operands[2], "Dr Paula Lima");
	emr_buf_free(&input.bytes);
	/* what is not ended may have been cut, and more than a person says is refused */
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "log", 3), 3);
	close(ends[1]);
	assert_status(EMR_INVALID, emr_args_from_input(ends[0], (char[]){"emrfs"}, &open_end));
	close(ends[0]);
	emr_buf_free(&open_end.bytes);
	assert_int_equal(pipe(ends), 0);
	for (int i = 0; i <= EMR_ARGS_ON_INPUT_MAX; i++)
		assert_int_equal(write(ends[1], "x", 2), 2);
	close(ends[1]);
	assert_status(EMR_LIMIT, emr_args_from_input(ends[0], (char[]){"emrfs"}, &many));
	close(ends[0]);
	emr_buf_free(&many.bytes);
}

TEST(an_argument_may_be_glued_or_follow)
{
	emr_args args;

	assert_ok(parse("mount --idle=30min -oallow_other", &args));
	assert_string_equal(args.values[EMR_OPT_IDLE], "30min");
	assert_string_equal(args.values[EMR_OPT_MOUNT_OPTIONS], "allow_other");
	assert_ok(parse("mount -o allow_root -qy", &args));
	assert_string_equal(args.values[EMR_OPT_MOUNT_OPTIONS], "allow_root");
	assert_true(args.given[EMR_OPT_QUIET] && args.given[EMR_OPT_YES]);
}

TEST(an_optional_argument_is_taken_only_when_glued)
{
	emr_args args;

	assert_ok(parse("status --wait file", &args));
	assert_true(args.given[EMR_OPT_WAIT]);
	assert_null(args.values[EMR_OPT_WAIT]);
	assert_string_equal(args.operands[0], "file");
	assert_ok(parse("status --wait=5s", &args));
	assert_string_equal(args.values[EMR_OPT_WAIT], "5s");
}

TEST(two_dashes_end_the_options)
{
	emr_args args;

	assert_ok(parse("status -- --json", &args));
	assert_false(args.given[EMR_OPT_JSON]);
	assert_string_equal(args.operands[0], "--json");
}

TEST(every_verb_has_room_for_its_operands)
{
	for (int verb = 0; verb < EMR_VERB_COUNT; verb++)
		assert_true(emr_verb_get((emr_verb)verb)->operands_max <= EMR_OPERANDS_MAX);
}

TEST(umount_is_unmount)
{
	emr_args args;

	assert_ok(parse("umount --now", &args));
	assert_int_equal(args.verb, EMR_VERB_UNMOUNT);
}

TEST(nothing_at_all_is_help)
{
	emr_args args;

	assert_ok(parse("", &args));
	assert_int_equal(args.verb, EMR_VERB_HELP);
}

TEST(wrong_lines_say_what_was_wrong)
{
	static const struct {
		const char *line, *said;
	} cases[] = {
		{"mont", "Did you mean \"mount\"?"},
		{"hlep", "Did you mean \"help\"?"},
		{"MOUNT", "Did you mean \"mount\"?"},
		{"tutor add Rosa", "There is no verb \"tutor\"."},
		{"start", "Did you mean \"mount\"?"},
		{"list", "There is no verb \"list\"."},
		{"foo", "There is no verb \"foo\"."},
		{"passwd --foo", "There is no option \"--foo\" here."},
		{"mount --read-onyl", "Did you mean --read-only?"},
		{"status --read-only", "There is no option \"--read-only\" here."},
		{"mount -x", "There is no option \"-x\" here."},
		{"mount a b", "\"b\" is one argument too many."},
		{"check now", "\"now\" is one argument too many."},
		{"mount --idle", "--idle needs an argument: TIME."},
		{"mount --read-only=yes", "--read-only=yes takes no argument."},
		{"--as", "--as needs an argument: NAME."},
		{"--idle 2h mount", "There is no option \"--idle\" here."},
	};
	emr_args args;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_status(EMR_INVALID, parse(cases[i].line, &args));
		assert_non_null(strstr(problem.text, cases[i].said));
		assert_int_equal(emr_message_get(problem.message)->exit, EMR_EXIT_USE);
	}
}

TEST(a_wrong_verb_is_answered_by_a_line_that_can_be_typed)
{
	emr_args args;

	assert_status(EMR_INVALID, parse("tutor", &args));
	assert_string_equal(problem.hint, "emrfs help");
	assert_status(EMR_INVALID, parse("mount -x", &args));
	assert_string_equal(problem.hint, "emrfs help mount");
}

TEST(a_wrong_line_with_json_still_answers_in_json)
{
	emr_args args;

	assert_status(EMR_INVALID, parse("mount --nonsense --json", &args));
	assert_true(args.given[EMR_OPT_JSON]);
}

TEST(what_was_typed_cannot_drive_the_terminal)
{
	emr_args args;

	assert_status(EMR_INVALID, parse("\033[2Jmount", &args));
	assert_null(strchr(problem.text, '\033'));
}

TEST(a_very_long_word_is_refused_and_cut)
{
	char line[400] = "mount --";
	emr_args args;

	memset(line + 8, 'x', sizeof line - 9);
	assert_status(EMR_INVALID, parse(line, &args));
	assert_true(strlen(problem.text) < 300);
	line[5] = 'x';
	assert_status(EMR_INVALID, parse(line + 5, &args));
}

TEST(every_verb_takes_the_common_options)
{
	static const emr_option common[] = {
		EMR_OPT_AS, EMR_OPT_JSON, EMR_OPT_QUIET, EMR_OPT_YES, EMR_OPT_HELP};

	for (int v = 0; v < EMR_VERB_COUNT; v++) {
		for (size_t i = 0; i < sizeof common / sizeof *common; i++)
			assert_true(emr_verb_takes((emr_verb)v, common[i]));
	}
}

TEST(every_exit_code_of_a_verb_has_a_meaning_and_is_not_one_that_all_have)
{
	for (int v = 0; v < EMR_VERB_COUNT; v++) {
		for (const unsigned char *code = emr_verb_get((emr_verb)v)->exits; *code != 0;
			code++) {
			assert_non_null(emr_exit_text(*code));
			assert_true(*code > EMR_EXIT_USE);
		}
	}
	assert_null(emr_exit_text(9));
}

TEST(help_names_every_verb_and_every_option_it_takes)
{
	EMR_AUTO_FREE char *overview = emr_help_overview(false), *all = emr_help_overview(true);

	assert_non_null(overview);
	assert_non_null(all);
	for (int v = 0; v < EMR_VERB_COUNT; v++) {
		char *manual = emr_help_verb((emr_verb)v);

		assert_non_null(manual);
		assert_null(strstr(manual, "?."));
		assert_non_null(strstr(overview, emr_verb_get((emr_verb)v)->name));
		for (int o = 0; o < EMR_OPTION_COUNT; o++) {
			const char *name = emr_option_get((emr_option)o)->name;
			char spelled[64];

			snprintf(spelled, sizeof spelled, "--%s", name != NULL ? name : "");
			if (name == NULL || !emr_verb_takes((emr_verb)v, (emr_option)o))
				continue;
			assert_non_null(strstr(
				emr_option_is_common((emr_option)o) ? overview : manual, spelled));
			assert_non_null(strstr(all, spelled));
		}
		free(manual);
	}
}

TESTS(NULL, NULL)
