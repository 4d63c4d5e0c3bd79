package adaptertest

// tests are the suite.
var tests = []test{
	// counting.go
	{name: "Counting", run: TestCounting, lives: true},
	{name: "ReadingLeavesNoRecordForARobot", run: TestReadingLeavesNoRecordForARobot, lives: true},
	{name: "ChangeWithTheSameChecksumIsSaved", run: TestChangeWithTheSameChecksumIsSaved},
	{name: "PreventedSaveLeaksNothing", run: TestPreventedSaveLeaksNothing},
	{name: "ManagerOfASession", run: TestManagerOfASession},
	// identity.go
	{name: "Tokens", run: TestTokens, lives: true},
	{name: "IDFromTheClientIsNeverAdopted", run: TestIDFromTheClientIsNeverAdopted, lives: true},
	{name: "StoreHasNoUsableToken", run: TestStoreHasNoUsableToken, lives: true},
	{name: "PublicIDEndsASession", run: TestPublicIDEndsASession, lives: true},
	{name: "SignedCookieIsVerifiedOnTheWayIn", run: TestSignedCookieIsVerifiedOnTheWayIn},
	{name: "ForgedSignatureNeverReachesTheStore", run: TestForgedSignatureNeverReachesTheStore},
	{name: "SigningKeysCanBeReplaced", run: TestSigningKeysCanBeReplaced},
	// ending.go
	{name: "Destroy", run: TestDestroy, lives: true},
	{name: "Regenerate", run: TestRegenerate, lives: true},
	{name: "RegenerateWithEqualContentIsStored", run: TestRegenerateWithEqualContentIsStored, lives: true},
	{name: "ReplacedUnread", run: TestReplacedUnread, lives: true},
	{name: "SessionAfterTheRequest", run: TestSessionAfterTheRequest},
	// saving.go
	{name: "Override", run: TestOverride, lives: true},
	{name: "EmptySessions", run: TestEmptySessions, lives: true},
	{name: "Saving", run: TestSaving, lives: true},
	{name: "BeforeSave", run: TestBeforeSave},
	// mutating.go
	{name: "MutatorsAreSeenThroughAReloadFromTheStore", run: TestMutatorsAreSeenThroughAReloadFromTheStore, lives: true},
	{name: "MutatorsOfANewSession", run: TestMutatorsOfANewSession, lives: true},
	// hooks.go
	{name: "Valid", run: TestValid, lives: true},
	{name: "ValidFails", run: TestValidFails},
	{name: "HooksNeverWaitForThemselves", run: TestHooksNeverWaitForThemselves},
	{name: "ErrorOfASessionCallInAHookIsNoHarm", run: TestErrorOfASessionCallInAHookIsNoHarm},
	// failing.go
	{name: "ErrorAnswers", run: TestErrorAnswers, lives: true},
	{name: "LoadFailure", run: TestLoadFailure, lives: true},
	{name: "StoreErrorIsNeverAnEmptySessionNorLeadsToAWrite", run: TestStoreErrorIsNeverAnEmptySessionNorLeadsToAWrite},
	// errorhandler.go
	{name: "ErrorHandler", run: TestErrorHandler},
	{name: "ErrorHandlerThatAnswersItself", run: TestErrorHandlerThatAnswersItself},
	{name: "ReturnedErrors", run: TestReturnedErrors},
	// cookie.go
	{name: "Cookie", run: TestCookie, lives: true},
	{name: "CookieOfTheZeroConfig", run: TestCookieOfTheZeroConfig},
	{name: "ClearingCookieRepeatsPathAndDomain", run: TestClearingCookieRepeatsPathAndDomain},
	{name: "CookiePath", run: TestCookiePath},
	{name: "CookieThatCannotBeSentLeavesNoRecord", run: TestCookieThatCannotBeSentLeavesNoRecord},
	{name: "RenewalAfterTheResponseBeganKeepsTheOldToken", run: TestRenewalAfterTheResponseBeganKeepsTheOldToken},
	{name: "HeaderSetCookieOnce", run: TestHeaderSetCookieOnce},
	{name: "HeaderOtherCookies", run: TestHeaderOtherCookies},
	// scope.go
	{name: "Scope", run: TestScope, lives: true},
	{name: "InContext", run: TestInContext},
	{name: "ManagerIsShared", run: TestManagerIsShared},
	{name: "HandlerRunsAgain", run: TestHandlerRunsAgain},
	// lifetime.go
	{name: "Lifetime", run: TestLifetime, lives: true},
	{name: "Rolling", run: TestRolling, lives: true},
	{name: "AgeOfManyDaysDoesNotEndAtOnce", run: TestAgeOfManyDaysDoesNotEndAtOnce},
	{name: "RecordEndsWithTheConfiguredAge", run: TestRecordEndsWithTheConfiguredAge},
	// outage.go
	{name: "Outage", run: TestOutage},
	// context.go
	{name: "StoreIsGivenTheContextOfTheRequest", run: TestStoreIsGivenTheContextOfTheRequest},
	{name: "ResponseOfACommitThatHangs", run: TestResponseOfACommitThatHangs},
	{name: "ResponseCommitContextKept", run: TestResponseCommitContextKept},
	{name: "ResponseCommitsAfterTheDeadline", run: TestResponseCommitsAfterTheDeadline},
	{name: "ResponseCommitsWithoutTheClient", run: TestResponseCommitsWithoutTheClient},
	// overlap.go
	{name: "OverlappingChangesAreBothKept", run: TestOverlappingChangesAreBothKept, lives: true},
	{name: "OverlappingChangesOfOneFieldAreObserved", run: TestOverlappingChangesOfOneFieldAreObserved, lives: true},
	{name: "OverlappingChangesGoThroughTheConfiguredMerge", run: TestOverlappingChangesGoThroughTheConfiguredMerge, lives: true},
	{name: "MergeThatFailsChangesNothing", run: TestMergeThatFailsChangesNothing},
	{name: "FailingUpdateChangesNothing", run: TestFailingUpdateChangesNothing},
	{name: "ConcurrentUpdatesAddUp", run: TestConcurrentUpdatesAddUp, lives: true},
	{name: "ConcurrentRequestsOfOneSessionShareNoMap", run: TestConcurrentRequestsOfOneSessionShareNoMap},
	{name: "GoroutinesOfOneRequestGetTheSameSession", run: TestGoroutinesOfOneRequestGetTheSameSession},
	{name: "GoroutineThatOutlivesItsRequest", run: TestGoroutineThatOutlivesItsRequest},
	{name: "FailedCommitsShareNothing", run: TestFailedCommitsShareNothing},
	// slow.go
	{name: "SlowRequestAfterDestroyBringsNothingBack", run: TestSlowRequestAfterDestroyBringsNothingBack, lives: true},
	{name: "SlowRequestWithTheOldTokenDuringARenewalIsDropped", run: TestSlowRequestWithTheOldTokenDuringARenewalIsDropped, lives: true},
	{name: "SaveAfterAnothersDestroyIsErrGone", run: TestSaveAfterAnothersDestroyIsErrGone, lives: true},
	{name: "SlowReaderOfASessionThatIsGoneSendsNoCookie", run: TestSlowReaderOfASessionThatIsGoneSendsNoCookie, lives: true},
	{name: "RequestWithAReplacedTokenFindsNothingAndLeavesNothing", run: TestRequestWithAReplacedTokenFindsNothingAndLeavesNothing, lives: true},
	{name: "SlowRequestWhileTheSessionChangesHands", run: TestSlowRequestWhileTheSessionChangesHands, lives: true},
	{name: "OldTokenAfterALogIn", run: TestOldTokenAfterALogIn, lives: true},
	// commit.go
	{name: "ResponseCommits", run: TestResponseCommits},
	{name: "ResponseCommitsAfterInformationalHeaders", run: TestResponseCommitsAfterInformationalHeaders},
	{name: "ResponseStreams", run: TestResponseStreams},
	{name: "ResponseOfAReverseProxy", run: TestResponseOfAReverseProxy},
	{name: "ResponseCommitsOverHTTP2", run: TestResponseCommitsOverHTTP2},
	// failed.go
	{name: "ResponseOfAFailedCommit", run: TestResponseOfAFailedCommit},
	{name: "FailedCommitIsNeverFollowedByTheHandlersBody", run: TestFailedCommitIsNeverFollowedByTheHandlersBody},
	{name: "ResponseOfAFailedCommitKeepsTheOuterHeader", run: TestResponseOfAFailedCommitKeepsTheOuterHeader},
	{name: "ResponseOfAFailedCommitThatIsWavedThrough", run: TestResponseOfAFailedCommitThatIsWavedThrough},
	{name: "ResponseOfAFailedCommitHasTheCause", run: TestResponseOfAFailedCommitHasTheCause},
	{name: "ResponseOfAFailedCommitAfterASave", run: TestResponseOfAFailedCommitAfterASave},
	{name: "ResponseWhereOneOfTwoSessionsFails", run: TestResponseWhereOneOfTwoSessionsFails},
	{name: "ResponseBegunThenAFailedDestroy", run: TestResponseBegunThenAFailedDestroy},
	// hijack.go
	{name: "ResponseHijackedBeforeTheHeader", run: TestResponseHijackedBeforeTheHeader},
	{name: "ResponseHijackedThenSaved", run: TestResponseHijackedThenSaved},
	{name: "ResponseHijackedAfterASave", run: TestResponseHijackedAfterASave},
	{name: "ResponseHijackedAfterSwitchingProtocols", run: TestResponseHijackedAfterSwitchingProtocols},
	{name: "ResponseHijackThatFails", run: TestResponseHijackThatFails},
	// panic.go
	{name: "ResponseOfAPanic", run: TestResponseOfAPanic},
	{name: "ResponseOfAPanicRecoveredInside", run: TestResponseOfAPanicRecoveredInside},
	{name: "ResponseOfAPanicAfterAFailedCommit", run: TestResponseOfAPanicAfterAFailedCommit},
	{name: "ResponseOfACommitThatPanics", run: TestResponseOfACommitThatPanics},
	{name: "ResponseOfACommitThatPanicsAfterASave", run: TestResponseOfACommitThatPanicsAfterASave},
	{name: "Abort", run: TestAbort},
	// header.go
	{name: "HeaderCacheControl", run: TestHeaderCacheControl},
	{name: "HeaderVary", run: TestHeaderVary},
	// carrier.go
	{name: "HeaderCarriesTheToken", run: TestHeaderCarriesTheToken},
	{name: "HeaderFollowsTheRulesOfTheCookie", run: TestHeaderFollowsTheRulesOfTheCookie},
	{name: "HeaderIsTheOnlyWay", run: TestHeaderIsTheOnlyWay},
	{name: "HeaderWithSeveralValues", run: TestHeaderWithSeveralValues},
	{name: "HeaderTimes", run: TestHeaderTimes},
	{name: "HeaderSigned", run: TestHeaderSigned},
	// kv.go
	{name: "KV", run: TestKV},
}
