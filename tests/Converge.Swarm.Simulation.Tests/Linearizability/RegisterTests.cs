namespace Converge.Swarm.Simulation.Tests.Linearizability;

public class RegisterTests
{
    public static TheoryData<string, string> Good => new()
    {
        { "nothing happened", "" },
        { "one after the other", "1 0 1 write 1; 1 2 3 read 1; 2 4 5 write 2; 2 6 7 read 2" },
        { "a read beside a write sees the old value", "1 0 10 write 1; 2 3 4 read nothing" },
        { "a read beside a write sees the new value", "1 0 10 write 1; 2 3 4 read 1" },
        { "two reads beside a write see first the old, then the new", "1 0 10 write 1; 2 1 2 read nothing; 2 3 4 read 1" },
        { "the order of two writes is told by the read behind them", "1 0 10 write 1; 2 0 10 write 2; 3 11 12 read 1" },
        { "or the other way", "1 0 10 write 1; 2 0 10 write 2; 3 11 12 read 2" },
        { "a write without an answer takes effect at once", "1 0 - write 1; 2 1 2 read 1" },
        { "a write without an answer takes effect late", "1 0 - write 1; 2 1 2 read nothing; 2 50 51 read nothing; 2 98 99 read 1" },
        { "a write without an answer never takes effect", "1 0 - write 1; 2 1 2 read nothing; 2 98 99 read nothing" },
        { "the same write without an answer may go under a later one", "1 0 - write 1; 2 1 2 write 2; 2 3 4 read 1" },
        { "a compare-and-set that succeeds", "1 0 1 write 1; 2 2 3 set 1 2 done; 1 4 5 read 2" },
        { "of two at once one succeeds", "1 0 1 write 1; 2 2 9 set 1 2 done; 3 2 9 set 1 3 failed; 1 10 11 read 2" },
        { "a chain that only fits backwards", "1 0 1 write 1; 2 2 90 set 3 4 done; 3 2 90 set 2 3 done; 4 2 90 set 1 2 done; 5 91 92 read 4" },
        { "a write that changes nothing at first is needed later", "1 0 1 write 1; 2 2 90 write 1; 3 2 90 write 2; 4 3 4 read 2; 4 5 6 read 1" },
        { "what happens in the same moment is concurrent", "1 0 5 write 1; 2 5 6 read nothing" },
        { "an unanswered compare-and-set explains a later value", "1 0 1 write 1; 2 2 - set 1 5; 3 3 4 read 1; 3 5 6 read 5".Replace("set 1 5;", "set 1 5 done;", StringComparison.Ordinal) },
    };

    public static TheoryData<string, string> Bad => new()
    {
        { "a value that nobody wrote", "1 0 1 read 1" },
        { "a stale read", "1 0 1 write 1; 1 2 3 write 2; 2 4 5 read 1" },
        { "a read that forgot", "1 0 1 write 1; 2 2 3 read nothing" },
        { "new, then old", "1 0 10 write 1; 2 1 2 read 1; 2 3 4 read nothing" },
        { "new at one client, then old at another", "1 0 10 write 1; 2 1 2 read 1; 3 3 4 read nothing" },
        { "two readers disagree about the order", "1 0 10 write 1; 2 0 10 write 2; 3 11 12 read 1; 4 13 14 read 2" },
        { "two compare-and-sets succeed on the same value", "1 0 1 write 1; 2 2 9 set 1 2 done; 3 2 9 set 1 3 done" },
        { "a compare-and-set that failed though it could not", "1 0 1 write 1; 2 2 3 set 1 2 failed" },
        { "an effect before its call", "1 0 1 read 7; 2 2 - write 7" },
        { "an unanswered write that took effect twice", "1 0 - write 1; 2 1 2 read 1; 2 3 4 write 2; 2 5 6 read 2; 2 7 8 write 3; 2 9 10 read 1; 2 11 12 write 4; 2 13 14 read 1" },
        { "a write that was lost", "1 0 1 write 1; 2 2 3 write 2; 3 4 5 read 2; 3 6 7 read 1" },
        { "a chain with a missing link", "1 0 1 write 1; 2 2 90 set 3 4 done; 4 2 90 set 1 2 done; 5 91 92 read 4" },
    };

    [Theory]
    [MemberData(nameof(Good))]
    public void A_history_that_some_order_explains_is_linearizable(string what, string history)
    {
        Assert.NotEmpty(what);
        LinearizabilityResult result = RegisterHistory.Check(history);
        Assert.Equal(LinearizabilityVerdict.Linearizable, result.Verdict);
        Assert.Empty(result.Explanation);
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public void A_history_that_no_order_explains_is_not(string what, string history)
    {
        Assert.NotEmpty(what);
        LinearizabilityResult result = RegisterHistory.Check(history);
        Assert.Equal(LinearizabilityVerdict.NotLinearizable, result.Verdict);
        Assert.NotEmpty(result.Explanation);
    }

    [Fact]
    public void An_explanation_shows_the_shortest_beginning_that_fails_and_the_longest_order_of_it()
    {
        LinearizabilityResult result = RegisterHistory.Check("1 0 1 write 1; 2 2 3 write 2; 3 4 5 read 1; 3 6 7 write 9; 3 8 9 read 9");

        Assert.Equal(
            """
            Of the 5 operations on '' the first 3 have no order that explains every answer.
            The longest order that can be explained has 2 of them:
              #0 client 1 [0, 1] write 1  => 1
              #1 client 2 [2, 3] write 2  => 2
            What has no place behind it:
              #2 client 3 [4, 5] read: 1

            """,
            result.Explanation,
            ignoreLineEndingDifferences: true);
    }

    [Fact]
    public void A_bound_that_is_reached_leaves_the_verdict_open()
    {
        // Every order of the writes has to be tried before it is clear that none explains the read.
        string history = string.Join(';', Enumerable.Range(0, 14).Select(i => $"{i} 0 100 write {i}")) + "; 99 101 102 read 77";

        LinearizabilityResult ofSteps = Check(history, new LinearizabilityBounds { MaxSteps = 1_000 });
        LinearizabilityResult ofStates = Check(history, new LinearizabilityBounds { MaxStates = 100 });

        Assert.Equal(LinearizabilityVerdict.Unknown, ofSteps.Verdict);
        Assert.Equal(LinearizabilityVerdict.Unknown, ofStates.Verdict);
        Assert.InRange(ofSteps.Steps, 1_000, 1_100);
        Assert.InRange(ofStates.States, 100, 102);
        Assert.Equal(LinearizabilityVerdict.NotLinearizable, Check(history, new LinearizabilityBounds()).Verdict);

        static LinearizabilityResult Check(string history, LinearizabilityBounds bounds) =>
            new LinearizabilityChecker<RegisterModel.Content, RegisterInput, RegisterOutput>(new RegisterModel(), bounds).Check(RegisterHistory.Parse(history));
    }

    [Fact]
    public void Random_histories_of_a_real_register_are_linearizable_and_with_one_answer_changed_mostly_not()
    {
        int caught = 0;
        for (ulong seed = 0; seed < 200; seed++)
        {
            var random = new SimulationRandom(seed);
            List<HistoryOperation<RegisterInput, RegisterOutput>> history = Record(random, operations: 60);
            var checker = new LinearizabilityChecker<RegisterModel.Content, RegisterInput, RegisterOutput>(new RegisterModel());
            Assert.Equal(LinearizabilityVerdict.Linearizable, checker.Check(history).Verdict);

            int spoilt = history.FindIndex(30, operation => operation is { Input: RegisterInput.Read, ReturnedAt: not null });
            HistoryOperation<RegisterInput, RegisterOutput> good = history[spoilt];
            history[spoilt] = HistoryOperation<RegisterInput, RegisterOutput>.Answered(
                good.Client, good.Input, good.CalledAt, new RegisterOutput(1_000_000, Succeeded: false), good.ReturnedAt!.Value);
            LinearizabilityResult result = checker.Check(history);
            caught += result.Verdict == LinearizabilityVerdict.NotLinearizable ? 1 : 0;
        }

        Assert.Equal(200, caught);
    }

    /// <summary>Four clients at one register; each operation takes effect at a moment between its call and its return, some have no answer.</summary>
    private static List<HistoryOperation<RegisterInput, RegisterOutput>> Record(SimulationRandom random, int operations)
    {
        var model = new RegisterModel();
        RegisterModel.Content state = model.Initial;
        List<(long Effect, int Client, RegisterInput Input, long Call, long Return)> plan = [];
        long[] free = new long[4];
        for (int i = 0; i < operations; i++)
        {
            int client = i % free.Length;
            long call = free[client] + random.Between(1, 10);
            long effect = call + random.Between(0, 20);
            long end = effect + random.Between(0, 20);
            free[client] = end;
            RegisterInput input = random.Next(3) switch
            {
                0 => new RegisterInput.Write(random.Next(4)),
                1 => new RegisterInput.CompareAndSet(random.Next(4), random.Next(4)),
                _ => new RegisterInput.Read(),
            };
            plan.Add((effect, client, input, call, end));
        }

        plan.Sort(static (a, b) => a.Effect.CompareTo(b.Effect));
        List<HistoryOperation<RegisterInput, RegisterOutput>> history = [];
        foreach ((_, int client, RegisterInput input, long call, long end) in plan)
        {
            bool isLost = input is not RegisterInput.Read && random.Next(10) == 0;
            bool matches = input is RegisterInput.CompareAndSet set && set.Expected == state.Value;
            history.Add(isLost
                ? HistoryOperation<RegisterInput, RegisterOutput>.Unknown(client, input, call)
                : HistoryOperation<RegisterInput, RegisterOutput>.Answered(client, input, call, new RegisterOutput(state.Value, matches), end));
            if (!isLost || random.Next(2) == 0)
            {
                state = model.StepUnknown(state, input);
            }
        }

        return history;
    }
}
