namespace Converge.Swarm.Simulation;

/// <summary>What is checked in every run unless somebody says otherwise.</summary>
public static class SimulationCheckers
{
    /// <summary>One of each, fresh: the invariants in the order of their numbers, then what concerns the clients.</summary>
    public static IEnumerable<ISimulationChecker> All()
    {
        var rounds = new ConfirmedRounds();
        return
        [
            new OneLeaderPerTerm(),
            new LeadersOnlyAppend(),
            new LogsMatch(),
            new LeadersHoldWhatIsCommitted(),
            new AppliedStatesAgree(),
            new CommitsByCountingAreOfTheOwnTerm(),
            new CommittedIsDurableOnAQuorum(),
            new CommittedEntriesNeverChange(),
            new TermsAndVotesAreKept(),
            new IndexesKeepTheirOrder(),
            new OneChangeOfMembersAtATime(),
            new OnlyVotersElect(),
            new PreVotesChangeNothing(),
            new ReadsAreConfirmedAfterTheRequest(rounds),
            new LeasedReadsStayInsideTheLease(rounds),
            new SnapshotsAreCommitted(),
            new CommandsTakeEffectOnce(),
            new EffectsFollowTheirFacts(),
            new LedgersAgree(),
            new HealedSwarmsMakeProgress(),
            new AnswersMatchTheAgreedLog(),
            new ReadsShowTheirIndex(),
            new HistoriesAreLinearizable(),
        ];
    }
}
