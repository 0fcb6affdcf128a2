# What the program says and understands; knows no record, no ledger and no kernel.
emr_module(cmd_kit
	SOURCES message.c verbs.c args.c help.c out.c progress.c text.c places.c settings.c passphrase.c frame.c
	USES base keyring PkgConfig::jansson
	PRIVATE_USES PkgConfig::sodium)

# The open keyring and folder, the socket, and the verbs.
emr_module(cmd
	SOURCES session.c keys.c own_cert.c second_copy.c absence.c stage.c words_ask.c profile.c ready.c beside.c notices.c shared_notices.c walk.c report.c report_text.c origin.c verify.c verify_shared.c entries.c serve.c inboxes.c
		exporting.c importing.c cmd_export.c
		client.c reach.c mountpoint.c sending.c special.c cmd_init.c init_restore.c cmd_mount.c cmd_unmount.c cmd_status.c cmd_restore.c versions.c
		cmd_move.c moving.c cmd_erase.c erasing.c
		evidence.c cmd_verify_proof.c authors.c deeds.c openings.c openings_staff.c fhir_audit.c kinds.c index_csv.c cmd_log.c html.c page.c page_facts.c page_people.c page_chart.c page_style.c
		cmd_verify.c cmd_ledger.c cmd_backup.c cmd_passwd.c cmd_recover.c lost.c cmd_check.c
		cmd_keep.c keeping.c cmd_join.c bringing.c switching.c annex.c
		cmd_people.c card_argument.c people.c book.c registered.c qr.c
		cmd_org.c network_dir.c shared_blocks.c network_adopt.c cmd_device.c device_file.c acting.c joining.c
		cmd_agent.c attendant.c behind.c bureau.c applying.c proposals.c rules.c staff.c teams.c vouches.c
		who.c office.c office_looks.c
		team_care.c team_look.c who_teams.c vouched.c shared_paths.c
		sealed.c purposes.c orders.c sharing.c doors.c clerk.c inner.c shares.c giving.c taking.c order_wait.c cmd_share.c cmd_revoke.c
		cmd_request.c requests.c pleas.c pleas_look.c asked.c approving.c
	USES cmd_kit view fuse settle
	PRIVATE_USES base keyring backup proof carry store journal record settle share ledger replica contract PkgConfig::jansson
		PkgConfig::qrencode Threads::Threads)

add_executable(emrfs main.c)
target_compile_definitions(emrfs PRIVATE EMRFS_VERSION="${PROJECT_VERSION}")
target_link_libraries(emrfs PRIVATE emr_flags emr_cmd emr_cmd_kit)
install(TARGETS emrfs)
