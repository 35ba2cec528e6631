using Converge.Core;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;
using FsCheck;
using FsCheck.Fluent;

namespace Converge.Swarm.Tests.Governance;

/// <summary>Random histories, against the reference model and against another replica.</summary>
public sealed class GovernanceModelTests
{
    private static readonly string[] Proposals = ["p", "q", "r"];

    private static Gen<FactSubmission> Submission =>
        from kind in Gen.Frequency(
            (2, Gen.Constant(FactKind.ProposalCreated)),
            (9, Gen.Elements(Enum.GetValues<FactKind>().Except([FactKind.ProposalCreated]).ToArray())))
        from proposal in Gen.Elements(Proposals)
        from actor in Gen.Elements("a", "b", "c")
        from revision in Gen.Frequency((6, Gen.Constant<ulong?>(null)), (1, Gen.Choose(0, 6).Select(number => (ulong?)number)))
        from session in Gen.Frequency((1, Gen.Constant<string?>(null)), (2, Gen.Elements<string?>("s", "t", "u", "v", "w")))
        from number in Gen.Frequency((8, Gen.Choose(1, 8)), (1, Gen.Choose(9, 40)))
        select new FactSubmission(
            FactShape.Create(kind, proposal, actor, kind.RequiresReason() ? "because" : null),
            CommandId: session is null ? null : new CommandId(session, (ulong)number),
            ExpectedRevision: revision);

    private static Arbitrary<List<FactSubmission>> Histories(int length) => Gen.ListOf(Submission, length).ToArbitrary();

    [Theory]
    [InlineData(3, 7, 5, 120, 300)]
    [InlineData(5, 100, 6, 500, 40)]
    [InlineData(2, 100, 40, 500, 40)]
    public void The_state_does_what_the_rules_say(int maxSessions, int maxAnswers, ulong window, int length, int histories)
    {
        Dictionary<RefusalCode, int> refusals = [];
        int repeated = 0;
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(histories),
            Prop.ForAll(Histories(length), history =>
            {
                var log = new AgreedLog(new GovernanceState(maxSessions, maxAnswers, window));
                var model = new ReferenceModel(maxSessions, maxAnswers, window);
                foreach (FactSubmission submission in history)
                {
                    object expected = model.Submit(submission);
                    ApplyOutcome outcome = log.Commit(submission);
                    object actual = outcome.ToAnswer() switch
                    {
                        FactAccepted accepted => (accepted.Sequence, accepted.Revision),
                        FactRefused refused => (refused.Code, refused.Revision),
                        _ => throw new InvalidOperationException("A fact is accepted or refused."),
                    };
                    Assert.Equal(expected, actual);
                    repeated += outcome.Repeated ? 1 : 0;
                    if (outcome.ToAnswer() is FactRefused refusal)
                    {
                        refusals[refusal.Code] = refusals.GetValueOrDefault(refusal.Code) + 1;
                    }
                }

                AssertViews(model, log.State);
            }));

        // The histories must have met everything, or the agreement above means little.
        Assert.All(Enum.GetValues<RefusalCode>().Where(code => code != RefusalCode.CommandExpired || window < 40), code => Assert.True(refusals.GetValueOrDefault(code) > 20, $"{code} was met {refusals.GetValueOrDefault(code)} times."));
        Assert.True(repeated > 20);
    }

    [Fact]
    public void Replicas_of_the_same_log_are_equal_in_everything() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(100),
            Prop.ForAll(Histories(120), history =>
            {
                var log = new AgreedLog();
                List<ApplyOutcome> first = [log.CommitNoOp(), log.CommitAuthority(new NodeId(1)), .. history.Select(log.Commit)];

                var other = new GovernanceState();
                List<ApplyOutcome> second = [];
                List<EncodedRecord> records = [];
                foreach (byte[] entry in log.Entries)
                {
                    second.Add(other.Apply(other.AppliedIndex.Next, new Term(1), entry));
                    if (other.CopyRecord() is { } record)
                    {
                        records.Add(record);
                    }
                }

                Assert.Equal(first.Select(outcome => outcome.ToAnswer()), second.Select(outcome => outcome.ToAnswer()));
                Assert.Equal(first.Select(outcome => outcome.Record), second.Select(outcome => outcome.Record));
                Assert.Equal(log.Records.Select(record => record.Bytes.ToArray()), records.Select(record => record.Bytes.ToArray()));
                Assert.Equal(
                    (log.State.Digest, log.State.LastHash, log.State.LastSequence, log.State.LastStamp),
                    (other.Digest, other.LastHash, other.LastSequence, other.LastStamp));
            }));

    [Fact]
    public void Any_difference_between_two_logs_is_seen_in_the_digest()
    {
        string Digest(Action<AgreedLog> write)
        {
            var log = new AgreedLog();
            log.Commit(new ProposalCreated("p", "a"));
            write(log);
            return log.State.Digest.ToString();
        }

        string[] digests =
        [
            Digest(_ => { }),
            Digest(log => log.CommitNoOp()),
            Digest(log => { log.Term = new Term(2); log.CommitNoOp(); }),
            Digest(log => log.CommitAuthority(new NodeId(1))),
            Digest(log => log.CommitAuthority(new NodeId(2))),
            Digest(log => log.Commit(new ProposalCreated("p", "a"))),
            Digest(log => log.Commit(new ProposalCreated("p", "a"), new CommandId("s", 1))),
            Digest(log => log.Commit(new RollbackIssued("p", "a", "r"))),
            Digest(log => log.Commit(new RollbackIssued("q", "a", "r"))),
            Digest(log => log.Commit(new PromotionApproved("p", "a"))),
            Digest(log => log.Commit(new PromotionApproved("p", "b"))),
        ];
        Assert.Equal(digests.Length, digests.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void The_digest_of_a_log_never_changes()
    {
        var state = new GovernanceState();
        var stamp = new CommandStamp(1_700_000_000_000, new LamportTimestamp(1, new NodeId(3)));
        var created = new FactSubmission(
            new ProposalCreated("p-1", "author://é", "A title", "c0ffee"), 1_700_000_000, new CommandId("s", 9), 0, new LamportTimestamp(41, new NodeId(7)));
        var approved = new FactSubmission(new PromotionApproved("p-1", "a"));
        string Apply(ulong index, ulong term, byte[] entry)
        {
            state.Apply(new LogIndex(index), new Term(term), entry);
            return state.Digest.ToString();
        }

        CommandStamp Stamp(long time, ulong counter, ulong node) => new(1_700_000_000_000 + time, new LamportTimestamp(counter, new NodeId(node)));

        // Computed from docs/governance.md by another program.
        Assert.Equal("9ae3f453ca9e14ddd8c948f90161cfe8e9afb46426cbe9e2d594266ab5a9c234", Apply(1, 1, []));
        Assert.Equal("4390dd46c429b298cecffe8b089930e1e04bc59359acbd0cf61cbc62070726d3", Apply(2, 1, CommandCodec.EncodeAuthority(new NodeId(3), stamp)));
        Assert.Equal("907d8cd6d1692931b30eb1df4c75d69134973fd6c77f1b7c412a537480ce5709", Apply(3, 1, CommandCodec.EncodeFact(created, Stamp(123, 42, 1))));
        Assert.Equal("56aac264480cf470e907805eb4c5cdd782603eae82c4261c304bcf9be71767ff", Apply(4, 1, CommandCodec.EncodeFact(approved, Stamp(124, 43, 1))));
        Assert.Equal("ec966c444d8cf6c764ee8e18d7181f47cb8118237b013500a9bda2ce4cbb5989", Apply(5, 1, CommandCodec.EncodeFact(approved, Stamp(124, 44, 1))));
        Assert.Equal("654d0c606f2373be2b1d44900fe936c381d66a8438281f34188b5d61c810c8d3", Apply(6, 2, CommandCodec.EncodeFact(created, Stamp(125, 45, 2))));
    }

    private static void AssertViews(ReferenceModel model, GovernanceState state)
    {
        foreach (string proposal in Proposals)
        {
            ProposalView? view = state.Get(proposal);
            Assert.Equal(model.Revision(proposal), view?.Revision ?? 0);
            if (view is not null)
            {
                Assert.Equal((model.Status(proposal), model.DecidedBy(proposal)), (view.Status, view.DecidedBy));
                Assert.Equal(model.Validators(proposal), view.Validators.Select(one => (one.Validator, one.Passed, one.Overridden)));
            }
        }
    }
}
